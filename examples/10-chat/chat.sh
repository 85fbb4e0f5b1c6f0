#!/bin/sh
# chat.sh ROOM TALK: a room and three who talk in it, on this machine. One is killed, one ends its input, one is there
# until the room closes; and two do not get in.
set -u
room=$1
talk=$2
pids=
folder=$(mktemp -d) || exit 1
trap 'kill -9 $pids 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fail () {
    echo "failed: $*"
    exit 1
}

# enter NAME IN OUT WORDS: a member, who says what we write to the one descriptor, and whose words come by the other; the
# first of them are WORDS.
enter () {
    mkfifo "$folder/$1.in" "$folder/$1" || exit 1
    "$talk" -s "$folder/secret" "$endpoint" "$1" <"$folder/$1.in" >"$folder/$1" 2>"$folder/$1.log" &
    pids="$pids $!"
    eval "$1=\$!; exec $2>\"\$folder/$1.in\" $3<\"\$folder/$1\""
    hears "$1" "$3" "$4"
}

# hears NAME OUT LINE: the next that a member hears is this.
hears () {
    read -r line <&"$2" || fail "$1 hears nothing more: $(cat "$folder/$1.log")"
    echo "    $1 | $line"
    [ "$line" = "$3" ] || fail "$1 should have heard \"$3\""
}

# refused FILE NAME WORDS: who has the secret in FILE does not get in by that name, and is told WORDS.
refused () {
    if "$talk" -s "$folder/$1" "$endpoint" "$2" </dev/null 2>"$folder/why"; then
        fail "$2 was let in with $1"
    fi
    cat "$folder/why"
    grep -qF -e "$3" "$folder/why" || fail "it does not say \"$3\""
}

umask 077
for name in secret another; do
    head -c 32 /dev/urandom | base64 >"$folder/$name"
done
mkfifo "$folder/room" || exit 1
"$room" -s "$folder/secret" tcp://127.0.0.1:0 >"$folder/room" 2>"$folder/room.log" &
room_pid=$!
pids="$room_pid"
exec 3<"$folder/room"
read -r line <&3 || fail "the room does not open: $(cat "$folder/room.log")"
echo "$line"
endpoint=${line##* }

enter anna 4 5 "* nobody else is here"
enter ben 6 7 "* here are: anna"
hears anna 5 "* ben has come"
enter carla 8 9 "* here are: anna ben"
hears anna 5 "* carla has come"
hears ben 7 "* carla has come"
echo "what news?" >&4
hears ben 7 "anna: what news?"
hears carla 9 "anna: what news?"
refused secret ben "somebody here has that name already"
refused another dora "does not take our secret"

kill -9 "$carla"
wait "$carla" 2>/dev/null
hears anna 5 "* carla is lost"
hears ben 7 "* carla is lost"
echo "none, and good night" >&6
exec 6>&-
hears anna 5 "ben: none, and good night"
hears anna 5 "* ben has left"
kill "$room_pid"
hears anna 5 "* the room has closed"
wait "$anna" || fail "anna ended badly: $(cat "$folder/anna.log")"
wait "$ben" || fail "ben ended badly: $(cat "$folder/ben.log")"
wait "$room_pid" || fail "the room ended badly: $(cat "$folder/room.log")"
cat <&3
echo "chat: three talked, one was killed, two refused, all have ended"
