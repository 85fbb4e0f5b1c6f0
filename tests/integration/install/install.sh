# install.sh SOURCE BUILD PREFIX: installs into PREFIX, which it empties first, and checks that what is there is what
# was promised: every public header, both libraries, the files that find_package and pkg-config read, the commands where
# they were built, and nothing else.
set -eu
source=$1 build=$2 prefix=$3
rm -rf "$prefix"
cmake --install "$build" --prefix "$prefix" >/dev/null

components=
for name in etcd lmdb redis sim; do
    if [ -e "$build/src/libzanni_$name.so" ]; then
        components="$components $name"
    fi
done
(cd "$source/include" && find . -name '*.h') | sort >"$prefix.headers"
for name in etcd lmdb redis sim; do
    case " $components " in
        *" $name "*) ;;
        *) sed -i "/\\/$name.h$/d" "$prefix.headers" ;;
    esac
done
(cd "$prefix/include" && find . -type f) | sort >"$prefix.installed"
diff "$prefix.headers" "$prefix.installed" || { echo "the installed headers differ from the tree's"; exit 1; }

(cd "$prefix" && find . ! -type d ! -path './include/*') | sed -e 's,.*/,,' \
    -e 's,Targets-[a-z]*\.cmake,Targets-BUILD.cmake,' | sort >"$prefix.installed"
command=$(cd "$build/src/tool" 2>/dev/null && ls zanni 2>/dev/null) || command=
child=$(cd "$build/src/tool" 2>/dev/null && ls zanni-child 2>/dev/null) || child=
sort >"$prefix.expected" <<LIST
$command
$child
ZanniDependencies.cmake
libzanni.a
libzanni.so
libzanni.so.0
libzanni.so.0.1.0
zanni.pc
zanniConfig.cmake
zanniConfigVersion.cmake
zanniStaticTargets-BUILD.cmake
zanniStaticTargets.cmake
zanniTargets-BUILD.cmake
zanniTargets.cmake
LIST
for name in $components; do
    printf 'libzanni_%s.so\nlibzanni_%s.so.0\nlibzanni_%s.so.0.1.0\n' "$name" "$name" "$name"
done >>"$prefix.expected"
sort -o "$prefix.expected" "$prefix.expected"
sed -i /^$/d "$prefix.expected"
diff "$prefix.expected" "$prefix.installed" || { echo "the installed files differ from those promised"; exit 1; }
if grep -rnF -e "$source/include" -e "$build" "$prefix" --include='*.cmake' --include='*.pc'; then
    echo "the package names the folders that it was made in"
    exit 1
fi
if [ -n "$command" ] && ! echo 95 00 01 00 0a 00 | "$prefix/bin/zanni" wire --hex >/dev/null; then
    echo "the installed command does not run"
    exit 1
fi
rm -f "$prefix.headers" "$prefix.installed" "$prefix.expected"
