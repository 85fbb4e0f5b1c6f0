/* http.h: calls to an etcd by HTTP, and answers that do not end, on descriptors that an actor watches. */

#ifndef ZANNI_DIRECTORY_ETCD_HTTP_H
#define ZANNI_DIRECTORY_ETCD_HTTP_H

#include "../../base/list.h"
#include "place.h"

#include <curl/curl.h>
#include <jansson.h>

#define ZANNI__ETCD_READY "ready"   // methods of the actor's: a descriptor is ready
#define ZANNI__ETCD_DUE "due"       // time is over

/* What came of a call: ZANNI_ENODE: there is no answer, or none of a server that can work; ZANNI_EAUTH; ZANNI_EGONE: what
   was meant is not there; ZANNI_EINUSE: it is there already; ZANNI_ENOSPACE: it can only be read; ZANNI_EFULL: it has too
   much to do; ZANNI_ETOOBIG; ZANNI_ECORRUPT; ZANNI_ESYSTEM. The text says what to do. */
typedef struct {
    int code;
    char text [232];
    const json_t *json;   // borrowed, an object; NULL where there is a code
    bool more;            // it is a part of one that does not end
} zanni__etcd_answer_t;

typedef void zanni__etcd_then_fn (void *owner, void *context, const zanni__etcd_answer_t *answer);

typedef struct zanni__etcd_call zanni__etcd_call_t;

typedef struct {
    zanni_t *self;
    void *owner;                  // of all callbacks
    const zanni__etcd_place_t *place;
    size_t endpoint;              // of the place, that is used now
    CURLM *multi;
    struct curl_slist *headers;
    int epoll;                    // what curl wants watched; the actor watches this one
    uint64_t watch;
    uint64_t timer;               // 0: none
    int64_t timer_ns;             // when it goes off
    int64_t due_ns;               // when curl wants to be called; INT64_MAX: never
    zanni__link_t waiting;        // calls that have not begun
    zanni__link_t going;
    uint32_t waiting_count;
    uint32_t going_count;         // but streams
    bool closed;                  // no call begins any more
} zanni__etcd_http_t;

typedef struct {
    const char *path;
    json_t *body;                 // taken over, also by failure; NULL: there was no memory for it
    uint32_t timeout_ms;          // from when it has begun; 0: it does not end, and each line is an answer
    zanni__etcd_then_fn *then;    // called once, or for each line and for the end; never by zanni__etcd_post itself
    void *context;
} zanni__etcd_post_t;

/* Called once before all else, from any thread. */
int zanni__etcd_http_prepare (void);

/* `self` and `place` have to stay. ZANNI_EDESCRIPTORS, ZANNI_ENOMEM. Close it even where that failed. */
int zanni__etcd_http_open (zanni__etcd_http_t *http, zanni_t *self, void *owner, const zanni__etcd_place_t *place);

/* All that goes on is answered with that code, and what is begun later is refused; then it is closed. */
void zanni__etcd_http_fail (zanni__etcd_http_t *http, int code, const char *text);
void zanni__etcd_http_close (zanni__etcd_http_t *http);

/* Handlers of the actor's two methods. */
int zanni__etcd_http_ready (zanni__etcd_http_t *http);
int zanni__etcd_http_due (zanni__etcd_http_t *http);

/* Works until nothing goes on but streams, for so long at most. For an actor that ends. */
void zanni__etcd_http_finish (zanni__etcd_http_t *http, int64_t within_ms);

/* Begins a call soon. `call_p` may be NULL; the call is valid until its last answer. ZANNI_EFULL: over 16,384 wait. */
int zanni__etcd_post (zanni__etcd_http_t *http, zanni__etcd_call_t **call_p, const zanni__etcd_post_t *post);

/* Its `then` is not called any more. */
void zanni__etcd_cancel (zanni__etcd_http_t *http, zanni__etcd_call_t *call);

#endif
