/* Heads of blobs, and who has them.

   Each blob has a hash, "zanni:b:<id>", and its bytes in pieces, "zanni:d:<id>:<number>"; "zanni:blobs" has all ids. What
   changes more than one key is a script, so that it happens as a whole. A session (wire.c) that puts or retains something
   has a hash of it, "zanni:o:<session>"; the set "zanni:owners" has all sessions. One whose connection is gone holds
   nothing any more: whoever sees that first buries it. A session never comes back, so nobody is buried alive.

   How many pieces there may be is in the head before the first of them is, so that all are found when the putter dies.

   Who follows a put waits for an entry of the stream "zanni:s:<id>" whose number is above what he has: the number of an
   entry is how many bytes there are. */

#include "heads.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S_WORDS 12

#define S_COMMON \
    "local A=ARGV local r=redis.call local id=A[1] local h='zanni:b:'..id " \
    "local function wake(id,size,n) redis.pcall('XADD','zanni:s:'..id,'MAXLEN','1',size..'-'..n,'x','') " \
    "redis.pcall('PEXPIRE','zanni:s:'..id,60000) end " \
    "local function erase(id,n) local h='zanni:b:'..id " \
    "local m=math.min(math.max(tonumber(n or 0) or 0,tonumber(r('HGET',h,'pieces') or 0) or 0),1e7) " \
    "local size=r('HGET',h,'size') or '0' r('UNLINK',h) r('SREM','zanni:blobs',id) " \
    "for i=0,m-1 do r('UNLINK',string.format('zanni:d:%s:%d',id,i)) end wake(id,size,2) end " \
    "local function used() local sum=0 for _,i in ipairs(r('SMEMBERS','zanni:blobs')) do " \
    "sum=sum+(tonumber(r('HGET','zanni:b:'..i,'size') or 0) or 0) end return sum end " \
    "local function unhold(id) if r('EXISTS','zanni:b:'..id)==0 then return end " \
    "if r('HINCRBY','zanni:b:'..id,'holders',-1)<=0 and r('HGET','zanni:b:'..id,'counted')=='1' then erase(id) end end " \
    "local function state() return r('HGET',h,'state') end " \
    "local function mine() return r('HGET',h,'owner')==A[2] end "

/* Numbers that they answer are zanni's codes. */
static const char *const s_scripts [] = {
    [ZANNI__REDIS_BEGIN] = S_COMMON
    "local q=tonumber(A[5]) if q>0 and used()+tonumber(A[4])>q then return -30 end "
    "r('HSET',h,'state','put','size','0','pieces',A[3],'owner',A[2]) r('SADD','zanni:blobs',id) "
    "r('HSET','zanni:o:'..A[2],'+'..id,1) return 0",
    [ZANNI__REDIS_REACH] = S_COMMON
    "if not mine() then return -29 end r('HSET',h,'pieces',A[3]) return 0",
    [ZANNI__REDIS_GROW] = S_COMMON
    "if not mine() then return -29 end local q=tonumber(A[4]) "
    "if q>0 and used()-tonumber(r('HGET',h,'size'))+tonumber(A[3])>q then return -30 end "
    "r('HSET',h,'size',A[3]) wake(id,A[3],0) return 0",
    [ZANNI__REDIS_COMMIT] = S_COMMON
    "if not mine() then return -29 end "
    "r('HSET',h,'state','whole','size',A[3],'sum',A[4],'expires',A[5],'counted',A[6]) r('HDEL',h,'owner') "
    "r('HDEL','zanni:o:'..A[2],'+'..id) "
    "if A[6]=='1' then r('HSET','zanni:o:'..A[2],id,1) r('HSET',h,'holders',1) end "
    "if A[5]~='0' then r('PEXPIREAT',h,A[5]) for i=0,tonumber(r('HGET',h,'pieces') or 0)-1 do "
    "r('PEXPIREAT',string.format('zanni:d:%s:%d',id,i),A[5]) end end wake(id,A[3],1) return 0",
    [ZANNI__REDIS_ERASE] = S_COMMON
    "r('HDEL','zanni:o:'..A[2],'+'..id) erase(id,A[3]) return 0",
    [ZANNI__REDIS_DROP] = S_COMMON
    "local s=state() if not s then return -29 end if s~='whole' then return -32 end erase(id) return 0",
    [ZANNI__REDIS_RETAIN] = S_COMMON
    "local s=state() if not s then return -29 end if s~='whole' then return -32 end "
    "if r('HINCRBY','zanni:o:'..A[2],id,A[3])==tonumber(A[3]) then r('HINCRBY',h,'holders',1) end return 0",
    [ZANNI__REDIS_RELEASE] = S_COMMON
    "local o='zanni:o:'..A[2] if r('HEXISTS',o,id)==0 then return -1 end "
    "if r('HINCRBY',o,id,-1)<=0 then r('HDEL',o,id) unhold(id) end return 0",
    [ZANNI__REDIS_BURY] = S_COMMON
    "r('SREM','zanni:owners',A[1]) local o='zanni:o:'..A[1] for _,f in ipairs(r('HKEYS',o)) do "
    "if f:sub(1,1)=='+' then erase(f:sub(2)) else unhold(f) end end r('UNLINK',o) return 0",
};

void
zanni__redis_id (char text [ZANNI__REDIS_ID], const uint8_t id [16])
{
    for (int i = 0; i < 16; i++)
        snprintf (text + 2 * i, 3, "%02x", id [i]);
}

void
zanni__redis_key (char key [ZANNI__REDIS_KEY], const char *kind, const uint8_t id [16])
{
    char text [ZANNI__REDIS_ID];
    zanni__redis_id (text, id);
    snprintf (key, ZANNI__REDIS_KEY, "zanni:%s:%s", kind, text);
}

void
zanni__redis_piece (char key [ZANNI__REDIS_KEY], const uint8_t id [16], uint64_t number)
{
    char text [ZANNI__REDIS_ID];
    zanni__redis_id (text, id);
    snprintf (key, ZANNI__REDIS_KEY, "zanni:d:%s:%" PRIu64, text, number);
}

int
zanni__redis_change_later (zanni__redis_t *redis, zanni__redis_script_t script, const char *const *values)
{
    const char *words [S_WORDS] = { "EVAL", s_scripts [script], "0" };
    for (int i = 0; values [i] && i < S_WORDS - 4; i++)
        words [3 + i] = values [i];
    return zanni__redis_send (redis, words);
}

int
zanni__redis_change (zanni__redis_t *redis, zanni__redis_script_t script, const char *const *values)
{
    redisReply *reply = NULL;
    int rc = zanni__redis_settle (redis);
    if (!rc)
        rc = zanni__redis_change_later (redis, script, values);
    if (!rc)
        rc = zanni__redis_reply (redis, &reply, 0);
    if (rc)
        return rc;
    bool good = reply->type == REDIS_REPLY_INTEGER && reply->integer <= 0 && reply->integer > -1000;
    rc = good ? (int) reply->integer : ZANNI_ESYSTEM;
    freeReplyObject (reply);
    return rc;
}

static bool
s_number (const redisReply *reply, int base, uint64_t *number)
{
    char *end;
    if (reply->type != REDIS_REPLY_STRING || !reply->len)
        return false;
    *number = strtoull (reply->str, &end, base);
    return !*end;
}

/* Fields in the order in which they are asked for: nothing is taken for granted. */
static int
s_read_head (const redisReply *reply, zanni__redis_head_t *head)
{
    uint64_t expires = 0;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 6)
        return ZANNI_ECORRUPT;
    redisReply *const *field = reply->element;
    if (field [0]->type == REDIS_REPLY_NIL)
        return ZANNI_EGONE;
    if (field [0]->type != REDIS_REPLY_STRING || !s_number (field [1], 10, &head->stored.size))
        return ZANNI_ECORRUPT;
    head->whole = !strcmp (field [0]->str, "whole");
    if (!head->whole) {
        if (field [5]->type != REDIS_REPLY_STRING)
            return ZANNI_ECORRUPT;
        snprintf (head->owner, sizeof head->owner, "%s", field [5]->str);
        return 0;
    }
    if (!s_number (field [2], 16, &head->stored.checksum) || !s_number (field [3], 10, &expires)
        || field [4]->type != REDIS_REPLY_STRING)
        return ZANNI_ECORRUPT;
    head->stored.expires_ms = (int64_t) expires;
    head->stored.counted = !strcmp (field [4]->str, "1");
    struct timespec now;
    (void) clock_gettime (CLOCK_REALTIME, &now);
    return expires && (int64_t) expires <= (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000 ? ZANNI_EGONE : 0;
}

int
zanni__redis_head (zanni__redis_t *redis, const uint8_t id [16], zanni__redis_head_t *head)
{
    char key [ZANNI__REDIS_KEY];
    redisReply *reply = NULL;
    zanni__redis_key (key, "b", id);
    const char *const words [] = { "HMGET", key, "state", "size", "sum", "expires", "counted", "owner", NULL };
    int rc = zanni__redis_call (redis, &reply, words);
    if (rc)
        return rc;
    *head = (zanni__redis_head_t) { .whole = false };
    memcpy (head->stored.id, id, sizeof head->stored.id);
    rc = s_read_head (reply, head);
    freeReplyObject (reply);
    return rc;
}

bool
zanni__redis_lives (zanni__redis_t *redis, const char *session)
{
    redisReply *reply = NULL;
    const char *colon = strrchr (session, ':'), *own = strrchr (redis->session, ':');
    if (!colon || colon - session != own - redis->session || memcmp (session, redis->session, (size_t) (own - redis->session)))
        return false;   // of another run of the server
    if (!strcmp (session, redis->session))
        return true;
    if (zanni__redis_call (redis, &reply, (const char *const []) { "CLIENT", "LIST", "ID", colon + 1, NULL }))
        return true;    // nobody is buried on suspicion
    bool lives = reply->type != REDIS_REPLY_STRING || reply->len;
    freeReplyObject (reply);
    return lives;
}

int
zanni__redis_sweep (zanni__redis_t *redis)
{
    redisReply *owners = NULL;
    int rc = zanni__redis_call (redis, &owners, (const char *const []) { "SMEMBERS", "zanni:owners", NULL });
    if (rc)
        return rc;
    for (size_t i = 0; owners->type == REDIS_REPLY_ARRAY && i < owners->elements && !rc; i++) {
        const char *session = owners->element [i]->str;
        if (session && !zanni__redis_lives (redis, session))
            rc = zanni__redis_change (redis, ZANNI__REDIS_BURY, (const char *const []) { session, NULL });
    }
    freeReplyObject (owners);
    return rc;
}
