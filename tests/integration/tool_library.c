/* Classes for `zanni node`: one that answers what it is asked, and one in a thread that spawns on another node. */

#include <string.h>
#include <unistd.h>
#include <zanni.h>

static int
s_add (zanni_t *self, zanni_msg_t *msg)
{
    int64_t one, other;
    int rc = zanni_read (msg, &one, &other);
    return rc ? rc : zanni_reply (self, msg, one + other);
}

static int
s_half (zanni_t *self, zanni_msg_t *msg)
{
    double number;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_reply (self, msg, number / 2);
}

static int
s_echo (zanni_t *self, zanni_msg_t *msg)
{
    zanni_packed_t value;
    int rc = zanni_read (msg, &value);
    return rc ? rc : zanni_reply (self, msg, value);
}

static int
s_sum (zanni_t *self, zanni_msg_t *msg)
{
    size_t count;
    int64_t sum = 0, number;
    int rc = zanni_enter (msg, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        const char *name;
        size_t two;
        rc = zanni_enter (msg, &two);
        if (!rc)
            rc = zanni_read (msg, &name, &number);
        if (!rc)
            rc = zanni_leave (msg);
        sum += rc ? 0 : number;
    }
    return rc ? rc : zanni_reply (self, msg, sum, (int64_t) count);
}

static int
s_same (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t bytes;
    const zanni_buffer_t *buffer;
    int rc = zanni_read (msg, &bytes, &buffer);
    return rc ? rc : zanni_reply (self, msg, bytes, buffer, zanni_self (self));
}

static int
s_team (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_arg_t one [] = { zanni_arg_string ("one"), zanni_arg_ref (zanni_self (self)) };
    const zanni_arg_t other [] = { zanni_arg_string ("other"), zanni_arg_ref (zanni_self (self)) };
    const zanni_arg_t both [] = { zanni_arg_list (one, 2), zanni_arg_list (other, 2) };
    return zanni_reply (self, msg, zanni_arg_list (both, 2), zanni_arg_list (NULL, 0));
}

static int
s_refuse (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 42, "there is none left");
}

static int
s_late (zanni_t *self, zanni_msg_t *msg)
{
    zanni_msg_t *kept;   // goes with the actor
    return zanni_msg_keep (&kept, msg) + (self ? 0 : ZANNI_EINVAL);
}

static int
s_pid (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, (int64_t) getpid ());
}

static const zanni_method_t s_methods [] = {
    ZANNI_METHOD ("add", "xx", "x", s_add, "Adds."),
    ZANNI_METHOD ("half", "d", "d", s_half, "Half of it."),
    ZANNI_METHOD ("echo", "v", "v", s_echo, "The same."),
    ZANNI_METHOD ("sum", "a{sx}", "xx", s_sum, "Of the values; how many there are."),
    ZANNI_METHOD ("same", "ayB", "ayBr", s_same, "The same, and who says so."),
    ZANNI_METHOD ("team", "", "a(sr)ar", s_team, "Itself, twice; and nobody."),
    ZANNI_METHOD ("refuse", "", "", s_refuse, "Fails."),
    ZANNI_METHOD ("late", "", "x", s_late, "Never answers."),
    ZANNI_METHOD ("pid", "", "x", s_pid, "Of its process."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_clerk = { .name = "clerk", .methods = s_methods, .text = "Answers." };

/* Spawns a clerk, and answers which process that one is in. */
static int
s_spawn (zanni_t *self, zanni_msg_t *msg)
{
    const char *endpoint;
    int32_t place;
    int64_t pid = 0;
    zanni_ref_t *there = NULL, *clerk = NULL;
    zanni_msg_t *reply = NULL;
    int rc = zanni_read (msg, &endpoint, &place);
    if (!rc)
        rc = zanni_connect (self, &there, endpoint, NULL);
    if (!rc)
        rc = zanni_spawn (self, &clerk, "clerk", &((zanni_spawn_t) { .on = there, .place = (zanni_place_t) place }));
    if (!rc)
        rc = zanni_call (self, &reply, clerk, "pid");
    if (!rc)
        rc = zanni_read (reply, &pid);
    rc = rc ? zanni_fail (self, msg, rc, zanni_strerror (rc)) : zanni_reply (self, msg, pid);
    zanni_msg_destroy (&reply);
    zanni_ref_destroy (&clerk);
    zanni_ref_destroy (&there);
    return rc;
}

static int
s_run (zanni_t *self)
{
    zanni_msg_t *msg;
    int rc;
    while (!(rc = zanni_receive (self, &msg, -1))) {
        bool spawns = !strcmp (zanni_msg_method (msg), "spawn");
        rc = spawns ? s_spawn (self, msg) : 0;
        zanni_msg_destroy (&msg);
        if (rc)
            return rc;
    }
    return rc == ZANNI_ECLOSED ? 0 : rc;
}

static const zanni_method_t s_spawner_methods [] = {
    ZANNI_METHOD ("spawn", "si", "x", NULL, "A clerk at that endpoint, in that place; its process."),
    ZANNI_METHOD_END
};
static const zanni_class_t s_spawner = { .name = "spawner", .methods = s_spawner_methods, .run = s_run };

__attribute__ ((visibility ("default"))) const zanni_class_t *const zanni_classes [] = { &s_clerk, &s_spawner, NULL };
