#!/bin/sh
# directory.sh REGISTRY CREW JOBS: a registry, a crew of three and jobs for it, on this machine. One of the crew is killed while
# there is work, another one joins, and the registry is killed and begun anew in between.
set -u
registry=$1
crew=$2
jobs=$3
pids=
folder=$(mktemp -d) || exit 1
trap 'kill -9 $pids 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fail () {
    echo "failed: $*"
    exit 1
}

umask 077
head -c 32 /dev/urandom | base64 >"$folder/secret"
mkfifo "$folder/registry" "$folder/again" "$folder/jobs" "$folder/one" "$folder/two" "$folder/three" "$folder/four" || exit 1

# join NAME FD: a member, whose words come by that descriptor; goes on when it has joined.
join () {
    "$crew" -s "$folder/secret" "$endpoint" "$1" >"$folder/$1" 2>"$folder/$1.log" &
    last=$!
    pids="$pids $last"
    eval "exec $2<\"\$folder/$1\""
    read -r line <&"$2" || fail "$1 does not join: $(cat "$folder/$1.log")"
    echo "$line"
}

"$registry" -s "$folder/secret" tcp://127.0.0.1:0 >"$folder/registry" 2>"$folder/log" &
registry_pid=$!
pids="$pids $!"
read -r line <"$folder/registry" || fail "the registry does not start: $(cat "$folder/log")"
echo "$line"
endpoint=${line##* }

join one 4
one=$last
join two 5
two=$last
join three 6
three=$last

"$jobs" -s "$folder/secret" "$endpoint" 40 150000 >"$folder/jobs" 2>"$folder/jobs.log" &
jobs_pid=$!
pids="$pids $!"
exec 3<"$folder/jobs"
read -r line <&3 || fail "no job is done: $(cat "$folder/jobs.log")"
echo "$line"

kill -9 "$one"
join four 7
four=$last
kill -9 "$registry_pid"
wait "$registry_pid" 2>/dev/null
"$registry" -s "$folder/secret" "$endpoint" >"$folder/again" 2>"$folder/log" &
pids="$pids $!"
last=$!
read -r line <"$folder/again" || fail "the registry does not start anew: $(cat "$folder/log")"
echo "$line, anew"

cat <&3
wait "$jobs_pid" || fail "the jobs ended badly: $(cat "$folder/jobs.log")"
for name in two three four; do
    eval "wait \$$name" || fail "$name ended badly: $(cat "$folder/$name.log")"
done
cat <&5
cat <&6
cat <&7
kill "$last"
wait "$last" || fail "the registry ended badly: $(cat "$folder/log")"
echo "directory: all jobs done, one of four killed, the registry begun anew"
