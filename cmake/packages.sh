# packages.sh: read by `demo` and `test` (POSIX sh), for what both do: install Debian packages that are missing, build.
#
# A package counts as there when dpkg says so, or when it is a tool and a command of its name can be found. Nothing is
# run when all are there; apt-get update runs only when an installation fails without it.

say () { printf '%s\n' "$*"; }

have () {
    case "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" in installed) return 0 ;; esac
    case "$1" in
        cmake | make | gcc | g++ | clang | valgrind | python3 | pkg-config) command -v "$1" >/dev/null 2>&1 ;;
        *) return 1 ;;
    esac
}

# Those of its arguments that are not there.
missing () {
    for package in "$@"; do
        have "$package" || printf '%s ' "$package"
    done
}

apt () {
    $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1
}

# Installs what is missing of "required packages" and "optional packages" (two lists in words). Stops where a required
# one cannot be had; says so and goes on where an optional one cannot.
get_packages () {
    wanted=$(missing $1 $2)
    [ -n "$wanted" ] || return 0
    log=$build/packages.log
    rm -f "$log"
    root=
    [ "$(id -u)" = 0 ] || root=sudo
    if ! command -v apt-get >/dev/null 2>&1; then
        say "Cannot install packages here: there is no apt-get."
    elif [ -n "$root" ] && ! command -v sudo >/dev/null 2>&1; then
        say "Cannot install packages here: this needs root, and there is no sudo."
    else
        say "Installing: $wanted"
        apt install --no-install-recommends $wanted || {
            apt update
            apt install --no-install-recommends $wanted
        } || for package in $wanted; do
            apt install --no-install-recommends "$package" || true
        done
    fi
    lost=$(missing $2)
    [ -z "$lost" ] || say "Not available, going on without: $lost"
    lost=$(missing $1)
    [ -z "$lost" ] && return 0
    [ ! -f "$log" ] || tail -n 15 "$log"
    stop "cannot get these Debian packages: $lost"
}

stop () {
    say "failed: $*"
    exit 1
}

# Configures (with the options given) and builds in $build; what has not changed is not compiled again. The first time
# it configures twice: FindPkgConfig gives include folders another place when it reads its own cache, and all that uses
# them would be compiled again in the second run.
compile () {
    again=
    [ -f "$build/CMakeCache.txt" ] || again=once
    for _ in now $again; do
        cmake --log-level=WARNING -S "$top" -B "$build" "$@" >"$build/configure.log" || {
            cat "$build/configure.log"
            stop "the build cannot be configured, see above"
        }
    done
    cmake --build "$build" --parallel "$(nproc)" || stop "the build does not compile, see above"
}
