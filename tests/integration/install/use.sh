# use.sh WAY PREFIX WORK: builds hello.c in WORK against the package installed in PREFIX, by find_package (the shared
# library), static (the static one, by find_package, too) or pkg-config, and runs it.
set -eu
way=$1 prefix=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$work"
mkdir -p "$work"
libraries=$(dirname "$(find "$prefix" -name libzanni.so)")

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
