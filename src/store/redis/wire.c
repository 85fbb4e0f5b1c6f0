/* A connection to a Redis server.

   hiredis opens it and reads replies out of bytes; the bytes themselves are sent and received here. So payloads go from
   the caller's memory to the socket and from the socket to where they belong without a copy in between, every wait has an
   end, and no write raises SIGPIPE. The server has to take or give something within the deadline, again and again; else the
   connection is given up, since what belongs to which command is not known any more.

   A connection has a session: the run of the server and the number that the server gave the connection, which is never
   given again in that run. Whether it lives can be asked by everybody. */

#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define S_COMMAND 8192    // bytes of a command without a payload

static int
s_fail (zanni__redis_t *redis, int code, const char *what)
{
    snprintf (redis->error, sizeof redis->error, "%s", what);
    return code;
}

void
zanni__redis_disconnect (zanni__redis_t *redis)
{
    if (redis->context)
        redisFree (redis->context);
    redis->context = NULL;
    if (redis->owed && redis->owed_rc && !*redis->owed_rc)
        *redis->owed_rc = ZANNI_ESYSTEM;
    redis->owed = 0;
    redis->in_from = redis->in_to = 0;
}

static int
s_give_up (zanni__redis_t *redis, int code)
{
    s_fail (redis, code, code == ZANNI_ETIMEOUT ? "the server does not answer" : "the connection broke");
    zanni__redis_disconnect (redis);
    return code;
}

static int
s_wait (zanni__redis_t *redis, short events, uint64_t timeout_ms)
{
    struct pollfd item = { .fd = redis->context->fd, .events = events };
    int rc = poll (&item, 1, timeout_ms > INT32_MAX ? INT32_MAX : (int) timeout_ms);
    if (rc < 0 && errno != EINTR)
        return s_give_up (redis, ZANNI_ESYSTEM);
    return rc ? 0 : s_give_up (redis, ZANNI_ETIMEOUT);
}

bool
zanni__redis_is_broken (zanni__redis_t *redis)
{
    char byte;
    if (!redis->context || redis->owed)
        return !redis->context;
    ssize_t got = recv (redis->context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EINTR);   // nothing can come of its own accord
}

/* All of some pieces. */
static int
s_write (zanni__redis_t *redis, struct iovec *pieces, size_t count)
{
    while (count) {
        const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
        ssize_t sent = sendmsg (redis->context->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return s_give_up (redis, ZANNI_ESYSTEM);
        int rc = sent < 0 ? s_wait (redis, POLLOUT, redis->deadline_ms) : 0;
        if (rc)
            return rc;
        size_t left = sent > 0 ? (size_t) sent : 0;
        for (; count && left >= pieces->iov_len; pieces++, count--)
            left -= pieces->iov_len;
        if (count) {
            pieces->iov_base = (char *) pieces->iov_base + left;
            pieces->iov_len -= left;
        }
    }
    return 0;
}

/* What there is, at least one byte, into two places. */
static int
s_read (zanni__redis_t *redis, struct iovec pieces [2], size_t *got, uint64_t timeout_ms)
{
    for (;;) {
        struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
        ssize_t size = recvmsg (redis->context->fd, &message, MSG_DONTWAIT);
        if (size > 0) {
            *got = (size_t) size;
            return 0;
        }
        if (!size || (errno != EAGAIN && errno != EINTR))
            return s_give_up (redis, ZANNI_ESYSTEM);
        int rc = s_wait (redis, POLLIN, timeout_ms);
        if (rc)
            return rc;
    }
}

static int
s_fill (zanni__redis_t *redis, uint64_t timeout_ms)
{
    size_t got;
    if (redis->in_from == redis->in_to)
        redis->in_from = redis->in_to = 0;
    if (redis->in_to == sizeof redis->in)
        return s_give_up (redis, ZANNI_ESYSTEM);   // a line without an end
    struct iovec pieces [2] = { { redis->in + redis->in_to, sizeof redis->in - redis->in_to }, { NULL, 0 } };
    int rc = s_read (redis, pieces, &got, timeout_ms);
    if (!rc)
        redis->in_to += got;
    return rc;
}

int
zanni__redis_send (zanni__redis_t *redis, const char *const *words)
{
    char text [S_COMMAND];
    size_t count = 0, used;
    if (!redis->context)
        return ZANNI_ESYSTEM;
    while (words [count])
        count++;
    used = (size_t) snprintf (text, sizeof text, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        used += (size_t) snprintf (text + used, sizeof text - used, "$%zu\r\n%s\r\n", strlen (words [i]), words [i]);
        if (used >= sizeof text)
            return s_fail (redis, ZANNI_ETOOBIG, "the command is too long");
    }
    int rc = s_write (redis, &(struct iovec) { text, used }, 1);
    redis->owed += !rc;
    return rc;
}

int
zanni__redis_send_data (zanni__redis_t *redis, const char *verb, const char *key, const void *data, size_t size)
{
    char text [256];
    if (!redis->context)
        return ZANNI_ESYSTEM;
    int used = snprintf (text, sizeof text, "*3\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen (verb), verb, strlen (key), key,
                         size);
    if (used < 0 || (size_t) used >= sizeof text)
        return ZANNI_ETOOBIG;
    struct iovec pieces [3] = { { text, (size_t) used }, { (void *) (uintptr_t) data, size }, { (char []) { "\r\n" }, 2 } };
    int rc = s_write (redis, pieces, 3);
    redis->owed += !rc;
    return rc;
}

/* What the server says of an error, in zanni's codes. */
static int
s_code (zanni__redis_t *redis, const char *text)
{
    static const struct {
        const char *word;
        int code;
    } codes [] = { { "OOM ", ZANNI_ENOSPACE }, { "NOAUTH", ZANNI_EPERM }, { "WRONGPASS", ZANNI_EPERM },
                   { "NOPERM", ZANNI_EPERM }, { "WRONGTYPE", ZANNI_ECORRUPT } };
    s_fail (redis, 0, text);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strstr (text, codes [i].word))   // a script's error has it in the middle
            return codes [i].code;
    return ZANNI_ESYSTEM;
}

int
zanni__redis_reply (zanni__redis_t *redis, redisReply **reply_p, uint32_t extra_ms)
{
    void *reply = NULL;
    if (!redis->context)
        return ZANNI_ESYSTEM;
    for (;;) {
        redisReader *reader = redis->context->reader;
        bool good = redisReaderFeed (reader, (const char *) redis->in + redis->in_from, redis->in_to - redis->in_from) == REDIS_OK;
        redis->in_from = redis->in_to;
        if (!good || redisReaderGetReply (reader, &reply) != REDIS_OK)
            return s_give_up (redis, ZANNI_ESYSTEM);
        if (reply)
            break;
        int rc = s_fill (redis, (uint64_t) redis->deadline_ms + extra_ms);
        if (rc)
            return rc;
    }
    redis->owed -= redis->owed > 0;
    redisReply *answer = reply;
    if (answer->type != REDIS_REPLY_ERROR) {
        *reply_p = answer;
        return 0;
    }
    int rc = s_code (redis, answer->str);
    freeReplyObject (answer);
    return rc;
}

int
zanni__redis_settle (zanni__redis_t *redis)
{
    int *rc_p = redis->owed_rc;
    while (redis->context && redis->owed) {
        redisReply *reply = NULL;
        int rc = zanni__redis_reply (redis, &reply, 0);
        if (!rc && reply->type == REDIS_REPLY_INTEGER && reply->integer < 0)
            rc = (int) reply->integer;   // of a script's
        if (rc_p && rc && !*rc_p)
            *rc_p = rc;
        if (reply)
            freeReplyObject (reply);
    }
    redis->owed_rc = NULL;
    return redis->context ? 0 : ZANNI_ESYSTEM;
}

int
zanni__redis_call (zanni__redis_t *redis, redisReply **reply_p, const char *const *words)
{
    int rc = zanni__redis_settle (redis);
    if (!rc)
        rc = zanni__redis_send (redis, words);
    return rc ? rc : zanni__redis_reply (redis, reply_p, 0);
}

/* The line that begins a reply, without its end. */
static int
s_line (zanni__redis_t *redis, char *line, size_t room)
{
    for (;;) {
        const char *from = (const char *) redis->in + redis->in_from;
        const char *end = memchr (from, '\n', redis->in_to - redis->in_from);
        if (end) {
            snprintf (line, room, "%.*s", (int) (end - from), from);
            line [strcspn (line, "\r")] = '\0';
            redis->in_from += (size_t) (end - from) + 1;
            return 0;
        }
        int rc = s_fill (redis, redis->deadline_ms);
        if (rc)
            return rc;
    }
}

/* So many bytes of what was read and what comes; NULL: nowhere. */
static int
s_take (zanni__redis_t *redis, uint8_t *data, size_t size)
{
    while (size) {
        size_t here = redis->in_to - redis->in_from, got = 0;
        here = here < size ? here : size;
        if (data && here) {
            memcpy (data, redis->in + redis->in_from, here);
            data += here;
        }
        redis->in_from += here;
        size -= here;
        if (!size)
            return 0;
        redis->in_from = redis->in_to = 0;
        struct iovec pieces [2] = { { data, data ? size : 0 }, { redis->in, sizeof redis->in } };
        int rc = s_read (redis, pieces, &got, redis->deadline_ms);
        if (rc)
            return rc;
        size_t direct = got < pieces [0].iov_len ? got : pieces [0].iov_len;
        redis->in_to = got - direct;
        size -= direct;
        data = data ? data + direct : NULL;
    }
    return 0;
}

int
zanni__redis_bulk (zanni__redis_t *redis, void *data, size_t room, int64_t *got)
{
    char line [ZANNI__REDIS_TEXT], *end;
    if (!redis->context)
        return ZANNI_ESYSTEM;
    int rc = s_line (redis, line, sizeof line);
    if (rc)
        return rc;
    redis->owed -= redis->owed > 0;
    if (*line == '-')
        return s_code (redis, line + 1);
    long long size = *line == '$' ? strtoll (line + 1, &end, 10) : -2;
    if (size < -1 || *end)
        return s_give_up (redis, ZANNI_ESYSTEM);
    *got = size;
    if (size < 0)
        return 0;
    size_t taken = (uint64_t) size < room ? (size_t) size : room;
    rc = s_take (redis, data, taken);
    return rc ? rc : s_take (redis, NULL, (size_t) size - taken + 2);
}

static int
s_authenticate (zanni__redis_t *redis)
{
    redisReply *reply = NULL;
    if (!redis->password)
        return 0;
    const char *const alone [] = { "AUTH", redis->password, NULL };
    const char *const named [] = { "AUTH", redis->user, redis->password, NULL };
    int rc = zanni__redis_call (redis, &reply, redis->user ? named : alone);
    if (!rc)
        freeReplyObject (reply);
    return rc;
}

static int
s_find_session (zanni__redis_t *redis)
{
    redisReply *info = NULL, *id = NULL;
    int rc = zanni__redis_call (redis, &info, (const char *const []) { "INFO", "server", NULL });
    if (!rc)
        rc = zanni__redis_call (redis, &id, (const char *const []) { "CLIENT", "ID", NULL });
    const char *run = !rc && info->type == REDIS_REPLY_STRING ? strstr (info->str, "run_id:") : NULL;
    if (!rc && (!run || id->type != REDIS_REPLY_INTEGER))
        rc = s_fail (redis, ZANNI_ESYSTEM, "this is no Redis server");
    if (!rc)
        snprintf (redis->session, sizeof redis->session, "%.*s:%lld", (int) strcspn (run + 7, "\r\n") % 64, run + 7, id->integer);
    if (info)
        freeReplyObject (info);
    if (id)
        freeReplyObject (id);
    return rc;
}

static redisContext *
s_dial (const zanni__redis_t *redis)
{
    const struct timeval limit = { redis->deadline_ms / 1000, (redis->deadline_ms % 1000) * 1000 };
    char host [256];
    if (*redis->place == '/')
        return redisConnectUnixWithTimeout (redis->place, limit);
    const char *colon = strrchr (redis->place, ':');
    snprintf (host, sizeof host, "%.*s", (int) (colon - redis->place), redis->place);
    return redisConnectWithTimeout (host, atoi (colon + 1), limit);
}

int
zanni__redis_connect (zanni__redis_t *redis)
{
    zanni__redis_disconnect (redis);
    redis->generation++;
    *redis->error = '\0';
    redis->context = s_dial (redis);
    if (!redis->context)
        return ZANNI_ENOMEM;
    if (redis->context->err) {
        s_fail (redis, ZANNI_ENODE, redis->context->errstr);
        zanni__redis_disconnect (redis);
        return ZANNI_ENODE;
    }
    (void) fcntl (redis->context->fd, F_SETFD, FD_CLOEXEC);
    int rc = s_authenticate (redis);
    if (!rc)
        rc = s_find_session (redis);
    if (rc)
        zanni__redis_disconnect (redis);
    return rc;
}
