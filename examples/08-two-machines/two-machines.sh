#!/bin/sh
# two-machines.sh SERVICE CLIENT: the two programs against each other, on this machine: a client does its work, one
# with another secret is refused within a second, one whose secret others can read does not even try, and one ends the
# service.
set -u
service=$1
client=$2
pid=
folder=$(mktemp -d) || exit 1
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fail () {
    echo "failed: $*"
    exit 1
}

# refused FILE WORDS: the client does not get in with the secret in FILE, and says WORDS.
refused () {
    if timeout 1 "$client" -s "$folder/$1" "$endpoint" 2>"$folder/why"; then
        fail "the client was let in with $1"
    fi
    cat "$folder/why"
    grep -qF -e "$2" "$folder/why" || fail "it does not say \"$2\" within a second"
}

umask 077
for name in secret another known; do
    head -c 32 /dev/urandom | base64 >"$folder/$name"
done
chmod 644 "$folder/known"
mkfifo "$folder/said" || exit 1

"$service" -s "$folder/secret" tcp://127.0.0.1:0 >"$folder/said" 2>"$folder/log" &
pid=$!
exec 3<"$folder/said"
read -r line <&3 || fail "the service does not start: $(cat "$folder/log")"
echo "$line"
endpoint=${line##* }

"$client" -s "$folder/secret" "$endpoint" || fail "the client does not work"
refused another "does not take our secret"
refused known "can read this secret"
"$client" -s "$folder/secret" "$endpoint" stop || fail "the client cannot stop the service"
wait "$pid" || fail "the service ended badly: $(cat "$folder/log")"
pid=
cat <&3
echo "two-machines: one client served, two refused, stopped"
