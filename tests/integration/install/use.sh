# use.sh WAY PREFIX WORK: builds hello.c in WORK against the package installed in PREFIX, by find_package (the shared
# library), static (the static one, by find_package, too) or pkg-config, and runs it. Or, by the way `components`, one
# program for each component that is there, and none for those that are not, which find_package says.
set -eu
way=$1 prefix=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$work"
mkdir -p "$work"
libraries=$(dirname "$(find "$prefix" -name libzanni.so)")

# What find_package says of a component, with a program that uses it.
configure_with ()
{
    rm -rf "$work/build"
    printf '#include <zanni.h>\n#include <zanni/%s.h>\nint main (void) { return zanni_%s_register () || !*zanni_strerror (0); }\n' \
        "$1" "$1" >"$work/hello.c"
    cmake --log-level=WARNING -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DWAY=component -DCOMPONENT="$1" 2>&1
}

# It is refused, and these words are in what is said, however its lines are broken.
expect_refusal ()
{
    if said=$(configure_with "$1"); then
        echo "find_package takes the component $1, which is not there"
        exit 1
    fi
    case "$(echo "$said" | tr -s ' \n' ' ')" in
        *"$2"*) ;;
        *) echo "of the component $1 find_package says: $said"; exit 1 ;;
    esac
}

if [ "$way" = components ]; then
    cp "$here/project.cmake" "$work/CMakeLists.txt"
    for name in etcd lmdb redis; do
        if [ -e "$libraries/libzanni_$name.so" ]; then
            configure_with $name
            cmake --build "$work/build"
            "$work/build/hello"
        else
            expect_refusal $name "zanni::$name is not installed"
        fi
    done
    expect_refusal banana 'zanni has no component "banana"'
    exit 0
fi

case "$way" in
    find_package | static)
        cp "$here/hello.c" "$work"
        cp "$here/project.cmake" "$work/CMakeLists.txt"
        cmake --log-level=WARNING -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DWAY="$way"
        cmake --build "$work/build"
        program=$work/build/hello ;;
    pkg-config)
        PKG_CONFIG_PATH=$libraries/pkgconfig
        export PKG_CONFIG_PATH
        program=$work/hello
        [ "$(pkg-config --modversion zanni)" = 0.1.0 ]
        cc -std=c11 -Wall -Wextra -Werror "$here/hello.c" -o "$program" $(pkg-config --cflags --libs zanni)
        LD_LIBRARY_PATH=$libraries
        export LD_LIBRARY_PATH ;;
esac

needs=$(readelf -d "$program" | grep -c 'NEEDED.*libzanni.so.0' || true)
if [ "$way" = static ]; then expected=0; else expected=1; fi
[ "$needs" = "$expected" ] || { echo "$program needs libzanni.so.0 $needs times"; exit 1; }
output=$("$program")
[ "$output" = "42" ] || { echo "hello printed: $output"; exit 1; }
echo "built with $way, printed $output"
