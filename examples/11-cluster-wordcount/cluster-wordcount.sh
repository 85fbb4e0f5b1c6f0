#!/bin/sh
# cluster-wordcount.sh ZANNI LIBRARY COORDINATOR: three nodes with counters, and a coordinator, on this machine. One node is
# killed while they count; the words are compared with those that coreutils count.
set -u
zanni=$1
library=$2
coordinator=$3
copies=2048
pids=
folder=$(mktemp -d) || exit 1
trap 'kill -9 $pids 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fail () {
    echo "failed: $*"
    exit 1
}

if [ ! -x "$zanni" ]; then
    echo "skipped: the command zanni is not installed"
    exit 77
fi

# host NAME FD: a node, whose words come by that descriptor.
host () {
    mkfifo "$folder/$1" || exit 1
    "$zanni" node -s "$folder/secret" --listen tcp://127.0.0.1:0 --load "$library" --allow-spawn \
        >"$folder/$1" 2>"$folder/$1.log" &
    pids="$pids $!"
    eval "$1=\$!; exec $2<\"\$folder/$1\""
    read -r line <&"$2" || fail "$1 does not begin: $(cat "$folder/$1.log")"
    echo "$1: $line"
    workers="$workers -w ${line##* }"
}

# The words of the files as coreutils count them, so many times.
expected () {
    cat "$@" | tr -cs A-Za-z '\n' | tr A-Z a-z | sed '/^$/d' | LC_ALL=C sort | uniq -c \
        | awk -v copies="$copies" '{ print $1 * copies, $2 }' | LC_ALL=C sort -k1,1nr -k2
}

umask 077
head -c 32 /dev/urandom | base64 >"$folder/secret"
workers=
host one 4
host two 5
host three 6

here=$(dirname "$0")
expected "$here"/*.[ch] >"$folder/expected"
cat "$here"/*.[ch] >"$folder/text"
for doubled in 1 2 3 4 5 6 7 8 9 10 11; do
    cat "$folder/text" "$folder/text" >"$folder/twice" && mv "$folder/twice" "$folder/text"
done
mkfifo "$folder/said" || exit 1
# shellcheck disable=SC2086   # of the workers, each is an argument
"$coordinator" -s "$folder/secret" -n 0 $workers "$folder/text" >"$folder/said" 2>"$folder/log" &
last=$!
pids="$pids $last"
exec 3<"$folder/said"
for name in one two three; do
    read -r line <&3 || fail "the coordinator does not begin: $(cat "$folder/log")"
    echo "$line"
done
kill -9 "$two"
wait "$two" 2>/dev/null
sed -e 's/^ *//' <&3 >"$folder/counted"
wait "$last" || fail "the coordinator ended badly: $(cat "$folder/log")"
cat "$folder/log"
sed '$d' "$folder/counted" | cmp - "$folder/expected" || fail "coreutils count otherwise"
head -n 5 "$folder/counted"
tail -n 1 "$folder/counted"
kill "$one" "$three"
wait "$one" || fail "one ended badly: $(cat "$folder/one.log")"
wait "$three" || fail "three ended badly: $(cat "$folder/three.log")"
echo "cluster-wordcount: one of three nodes was killed, and the words are those that coreutils count"
