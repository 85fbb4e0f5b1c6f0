/* wire.h: a connection to a Redis server: commands, replies, and bytes that are not copied on their way. */

#ifndef ZANNI_STORE_REDIS_WIRE_H
#define ZANNI_STORE_REDIS_WIRE_H

#include <hiredis/hiredis.h>
#include <zanni/sys/store.h>

#define ZANNI__REDIS_SESSION 80
#define ZANNI__REDIS_TEXT 160

typedef struct {
    char *place;                 // a socket's path, or HOST:PORT
    char *user, *password;       // or NULL
    uint32_t deadline_ms;        // in which the server has to take or give something
    redisContext *context;       // NULL: there is no connection
    uint64_t generation;         // how often it was opened
    char session [ZANNI__REDIS_SESSION];   // as whom the server and others know this connection
    uint32_t owed;               // replies that nobody has waited for yet
    int *owed_rc;                // whose they are: gets the first error of them
    char error [ZANNI__REDIS_TEXT];        // what the server said last
    uint8_t in [16384];          // read, and not looked at
    size_t in_from, in_to;
} zanni__redis_t;

/* Opens the connection and finds out its session. What failed stands in `error`. */
int zanni__redis_connect (zanni__redis_t *redis);
void zanni__redis_disconnect (zanni__redis_t *redis);
bool zanni__redis_is_broken (zanni__redis_t *redis);     // at the other end, as far as can be seen now

/* Sends a command of strings, up to the one that is NULL; its reply is owed. */
int zanni__redis_send (zanni__redis_t *redis, const char *const *words);

/* Sends `verb key data`, the data straight from where they are. */
int zanni__redis_send_data (zanni__redis_t *redis, const char *verb, const char *key, const void *data, size_t size);

/* The next reply, which the caller frees; an error of the server's is a code. `extra_ms`: that the server itself waits. */
int zanni__redis_reply (zanni__redis_t *redis, redisReply **reply_p, uint32_t extra_ms);

/* Waits for all replies that are owed. */
int zanni__redis_settle (zanni__redis_t *redis);

/* Settles, sends a command and gives its reply. */
int zanni__redis_call (zanni__redis_t *redis, redisReply **reply_p, const char *const *words);

/* The next reply, a string, straight to where its bytes belong; what goes beyond is thrown away. *got: how long it was, or
   -1: there is none. For commands that were sent when nothing else was owed. */
int zanni__redis_bulk (zanni__redis_t *redis, void *data, size_t room, int64_t *got);

#endif
