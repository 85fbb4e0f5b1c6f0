/* libcurl inside an actor. Its sockets lie in an epoll set of ours, whose descriptor is the one that the actor watches, for
   their interests change more often than a watch is cheap; its one timer is a timer of the actor's. So the actor reads its
   mailbox whatever the server does.

   Calls wait in a list of ours until fewer than S_GOING go on, for curl counts the time that a call has from when it gets
   it. No callback runs inside of zanni__etcd_post: calls begin, and end, in the two handlers only. Lines of a stream come
   from within curl, which must not be called then, so a call that is cancelled is only marked, and freed by the handler.

   What a server says is bounded: an answer, and a line of a stream. It is parsed whole; jansson bounds how deep. */

#include "http.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zanni/actor.h>
#include <zanni/timer.h>
#include <zanni/watch.h>

#define S_GOING 16
#define S_WAITING 16384
#define S_ANSWER_MOST ((size_t) 3 << 20)   // one entry of 1.5 MiB, which is the most that an etcd takes, fits, in base64
#define S_LINE_MOST ((size_t) 8 << 20)     // and two of those, and as much as it puts in front of them
#define S_CONNECT_MS 1500
#define S_ROUNDS 64           // of one handler

struct zanni__etcd_call {
    zanni__link_t link;
    zanni__etcd_http_t *http;
    zanni__etcd_then_fn *then;
    void *context;
    CURL *easy;               // NULL: it waits
    uint32_t timeout_ms;
    bool cancelled;
    bool too_big;
    char *body;
    char *data;               // what has come, of a stream's the line that is not whole
    size_t size, room;
    char error [CURL_ERROR_SIZE];
    char path [];
};

static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static int s_prepared = ZANNI_ESYSTEM;

static void
s_prepare (void)
{
    s_prepared = curl_global_init (CURL_GLOBAL_DEFAULT) ? ZANNI_ENOMEM : 0;
}

int
zanni__etcd_http_prepare (void)
{
    (void) pthread_once (&s_once, s_prepare);
    return s_prepared;
}

/* Without a timer nothing would go on. */
static void
s_set_timer (zanni__etcd_http_t *http, int64_t due_ns)
{
    int64_t now_ns = zanni_now_ns (http->self);
    if (http->timer && http->timer_ns <= due_ns)
        return;   // earlier is good, too: it is set again then
    int rc = http->timer ? zanni_timer_cancel (http->self, http->timer) : 0;
    http->timer = 0;
    int64_t after_ms = due_ns > now_ns ? (due_ns - now_ns + 999999) / 1000000 : 0;
    if (!rc)
        rc = zanni_timer (http->self, &http->timer, after_ms, 0, ZANNI__ETCD_DUE);
    http->timer_ns = due_ns;
    if (rc)
        rc = zanni_exit_error (http->self, rc, "an etcd cannot be spoken to without a timer");
    (void) rc;
}

static int
s_on_timer (CURLM *multi, long timeout_ms, void *context)
{
    zanni__etcd_http_t *http = context;
    (void) multi;
    http->due_ns = timeout_ms < 0 ? INT64_MAX : zanni_now_ns (http->self) + INT64_C (1000000) * timeout_ms;
    return 0;
}

static int
s_on_socket (CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket)
{
    const zanni__etcd_http_t *http = context;
    uint32_t in = what & CURL_POLL_IN ? (uint32_t) EPOLLIN : 0, out = what & CURL_POLL_OUT ? (uint32_t) EPOLLOUT : 0;
    struct epoll_event event = { .events = in | out, .data.fd = fd };
    (void) easy;
    (void) of_socket;
    if (what == CURL_POLL_REMOVE) {
        (void) epoll_ctl (http->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    bool is = !epoll_ctl (http->epoll, EPOLL_CTL_MOD, fd, &event)
              || (errno == ENOENT && !epoll_ctl (http->epoll, EPOLL_CTL_ADD, fd, &event));
    return is ? 0 : -1;
}

int
zanni__etcd_http_open (zanni__etcd_http_t *http, zanni_t *self, void *owner, const zanni__etcd_place_t *place)
{
    *http = (zanni__etcd_http_t) { .self = self, .owner = owner, .place = place, .epoll = -1, .due_ns = INT64_MAX };
    zanni__link_init (&http->waiting);
    zanni__link_init (&http->going);
    http->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (http->epoll < 0)
        return ZANNI_EDESCRIPTORS;
    struct curl_slist *first = curl_slist_append (NULL, "Content-Type: application/json");
    http->headers = first ? curl_slist_append (first, "Expect:") : NULL;
    if (first && !http->headers)
        curl_slist_free_all (first);
    http->multi = curl_multi_init ();
    bool good = http->headers && http->multi && !curl_multi_setopt (http->multi, CURLMOPT_SOCKETFUNCTION, s_on_socket)
                && !curl_multi_setopt (http->multi, CURLMOPT_SOCKETDATA, http)
                && !curl_multi_setopt (http->multi, CURLMOPT_TIMERFUNCTION, s_on_timer)
                && !curl_multi_setopt (http->multi, CURLMOPT_TIMERDATA, http);
    return good ? zanni_watch (self, &http->watch, http->epoll, ZANNI_READABLE, ZANNI__ETCD_READY) : ZANNI_ENOMEM;
}

static void
s_free (zanni__etcd_call_t *call)
{
    zanni__link_remove (&call->link);
    if (call->easy) {
        (void) curl_multi_remove_handle (call->http->multi, call->easy);
        curl_easy_cleanup (call->easy);
    }
    free (call->body);
    free (call->data);
    free (call);
}

static void
s_end (zanni__etcd_call_t *call, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_http_t *http = call->http;
    bool begun = call->easy != NULL;
    zanni__etcd_then_fn *then = call->cancelled ? NULL : call->then;
    void *context = call->context;
    http->waiting_count -= !begun;
    http->going_count -= begun && call->timeout_ms;
    s_free (call);
    if (then)
        then (http->owner, context, answer);
}

void
zanni__etcd_http_fail (zanni__etcd_http_t *http, int code, const char *text)
{
    zanni__etcd_answer_t answer = { .code = code };
    snprintf (answer.text, sizeof answer.text, "%s", text);
    http->closed = true;
    while (http->going.next && !zanni__list_empty (&http->going))
        s_end (ZANNI__CONTAINER (http->going.next, zanni__etcd_call_t, link), &answer);
    while (http->waiting.next && !zanni__list_empty (&http->waiting))
        s_end (ZANNI__CONTAINER (http->waiting.next, zanni__etcd_call_t, link), &answer);
}

void
zanni__etcd_http_close (zanni__etcd_http_t *http)
{
    zanni__etcd_http_fail (http, ZANNI_ENODE, "the actor that speaks to etcd has ended");
    int rc = http->watch ? zanni_watch_cancel (http->self, http->watch) : 0;
    (void) rc;
    if (http->multi)
        (void) curl_multi_cleanup (http->multi);
    curl_slist_free_all (http->headers);
    if (http->epoll >= 0)
        close (http->epoll);
    *http = (zanni__etcd_http_t) { .self = http->self, .epoll = -1, .closed = true };
}

/* What an error is, by its code of gRPC, or of HTTP (then it has none), and by what stands in its text; the first one that
   fits, and what to do about it. */
typedef struct {
    int grpc, status;      // 0: whichever
    const char *part;
    int code;
    const char *advice;
} s_kind_t;

#define S_USERS "it wants a user's name and password, which a directory does not have: have it know clients by certificates"
#define S_ILL "it cannot work now: see whether most members of its cluster are there, and its disk"
#define S_OTHER "it does not answer as an etcd 3.4 or later does: see what listens there"

static const s_kind_t s_kinds [] = {
    { 0, 0, "user name", ZANNI_EAUTH, S_USERS },
    { 0, 0, "too large", ZANNI_ETOOBIG, "its --max-request-bytes is too small" },
    { 4, 0, "", ZANNI_ENODE, S_ILL },
    { 5, 0, "lease", ZANNI_EGONE, "the lease is over" },
    { 5, 0, "", ZANNI_ESYSTEM, S_OTHER },
    { 7, 0, "", ZANNI_EAUTH, "its user may not do that: it needs a role to read and write below the prefix" },
    { 8, 0, "space", ZANNI_ENOSPACE, "its space is used up, so it can only be read: compact and defragment it, then disarm its "
      "alarm" },
    { 8, 0, "", ZANNI_EFULL, "it has too much to do: try again later" },
    { 9, 0, "", ZANNI_EINUSE, "it is there already" },
    { 11, 0, "", ZANNI_EGONE, "it has been compacted" },
    { 12, 0, "", ZANNI_ESYSTEM, S_OTHER },
    { 13, 0, "", ZANNI_ENODE, S_ILL },
    { 14, 0, "", ZANNI_ENODE, S_ILL },
    { 15, 0, "", ZANNI_ECORRUPT, "its members do not have the same data: restore it" },
    { 16, 0, "", ZANNI_EAUTH, S_USERS },
    { 0, 401, "", ZANNI_EAUTH, S_USERS },
    { 0, 403, "", ZANNI_EAUTH, "whatever answers there lets nobody in" },
    { 0, 404, "", ZANNI_ESYSTEM, S_OTHER },
    { 0, 502, "", ZANNI_ENODE, S_ILL },
    { 0, 503, "", ZANNI_ENODE, S_ILL },
    { 0, 504, "", ZANNI_ENODE, S_ILL },
    { 0, 0, "", ZANNI_ESYSTEM, S_OTHER }
};

static const s_kind_t *
s_kind (int grpc, long status, const char *text)
{
    const s_kind_t *kind = s_kinds;
    while ((kind->grpc && kind->grpc != grpc) || (kind->status && kind->status != status) || !strstr (text, kind->part))
        kind++;
    return kind;
}

/* A transfer that has not brought an answer. */
static void
s_explain_failure (const zanni__etcd_call_t *call, CURLcode result, zanni__etcd_answer_t *answer)
{
    bool distrust = result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE
                    || result == CURLE_SSL_CERTPROBLEM;
    const char *why = call->too_big ? "its answer is too big" : !result ? "it has ended what it told"
                      : *call->error ? call->error : curl_easy_strerror (result);
    answer->code = call->too_big ? ZANNI_ETOOBIG : distrust ? ZANNI_EAUTH : ZANNI_ENODE;
    snprintf (answer->text, sizeof answer->text, "etcd at %.60s: %.80s", call->http->place->endpoints [call->http->endpoint],
              why);
}

static void
s_explain_error (const zanni__etcd_call_t *call, const json_t *json, zanni__etcd_answer_t *answer)
{
    long status = 0;
    const char *text = json_string_value (json_object_get (json, "message"));
    int grpc = (int) json_integer_value (json_object_get (json, "code"));
    (void) curl_easy_getinfo (call->easy, CURLINFO_RESPONSE_CODE, &status);
    const s_kind_t *kind = s_kind (grpc, status, text ? text : "");
    answer->code = kind->code;
    snprintf (answer->text, sizeof answer->text, "etcd at %.50s: %s (%.40s; HTTP %ld)",
              call->http->place->endpoints [call->http->endpoint], kind->advice, text ? text : "no text", status);
    for (char *at = answer->text; *at; at++)
        *at = *at < ' ' || *at > '~' ? '?' : *at;   // whoever that is may say anything
}

static bool
s_is_good (const zanni__etcd_call_t *call)
{
    long status = 0;
    return !curl_easy_getinfo (call->easy, CURLINFO_RESPONSE_CODE, &status) && status == 200;
}

static void
s_done (zanni__etcd_call_t *call, CURLcode result)
{
    zanni__etcd_answer_t answer = { .code = 0 };
    json_t *json = NULL;
    if (result || (!call->timeout_ms && s_is_good (call)))
        s_explain_failure (call, result, &answer);
    else {
        json = json_loadb (call->data ? call->data : "", call->size, 0, NULL);
        if (s_is_good (call) && json_is_object (json))
            answer.json = json;
        else
            s_explain_error (call, json, &answer);
    }
    s_end (call, &answer);
    json_decref (json);
}

/* Room for `more` bytes, in steps that double. */
static bool
s_grow (zanni__etcd_call_t *call, size_t more, size_t most)
{
    size_t room = call->room ? call->room : 4096;
    call->too_big = more > most - call->size;
    if (call->too_big)
        return false;
    while (room - call->size < more)
        room *= 2;
    char *data = room == call->room ? call->data : realloc (call->data, room);
    if (!data)
        return false;
    call->data = data;
    call->room = room;
    return true;
}

/* A line of a stream; false: it is none. */
static bool
s_line (zanni__etcd_call_t *call, const char *line, size_t size)
{
    if (!size)
        return true;
    json_t *json = json_loadb (line, size, 0, NULL);
    bool good = json_is_object (json);
    const zanni__etcd_answer_t answer = { .json = json, .more = true };
    if (good)
        call->then (call->http->owner, call->context, &answer);
    json_decref (json);
    return good;
}

static size_t
s_on_data (char *data, size_t one, size_t size, void *context)
{
    zanni__etcd_call_t *call = context;
    bool lines = !call->timeout_ms && s_is_good (call);
    size_t done = 0;
    (void) one;
    if (call->cancelled || !s_grow (call, size, call->timeout_ms ? S_ANSWER_MOST : S_LINE_MOST))
        return 0;
    size_t from = call->size;   // before that there is no end of a line
    memcpy (call->data + call->size, data, size);
    call->size += size;
    for (const char *end; lines && !call->cancelled; from = done) {
        end = memchr (call->data + from, '\n', call->size - from);
        if (!end)
            break;
        size_t length = (size_t) (end - call->data) - done;
        if (!s_line (call, call->data + done, length))
            return 0;
        done += length + 1;
    }
    memmove (call->data, call->data + done, call->size - done);
    call->size -= done;
    return size;
}

static bool
s_set (zanni__etcd_call_t *call)
{
    const zanni__etcd_http_t *http = call->http;
    const zanni__etcd_place_t *place = http->place;
    CURL *easy = call->easy;
    char url [ZANNI__ETCD_PLACE + 64];
    snprintf (url, sizeof url, "%s%s", place->endpoints [http->endpoint], call->path);
    bool good = !curl_easy_setopt (easy, CURLOPT_URL, url)
                && !curl_easy_setopt (easy, CURLOPT_POSTFIELDS, call->body)
                && !curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen (call->body))
                && !curl_easy_setopt (easy, CURLOPT_HTTPHEADER, http->headers)
                && !curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, s_on_data)
                && !curl_easy_setopt (easy, CURLOPT_WRITEDATA, call)
                && !curl_easy_setopt (easy, CURLOPT_PRIVATE, call)
                && !curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, call->error)
                && !curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L)
                && !curl_easy_setopt (easy, CURLOPT_NOPROXY, "*")
                && !curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1)
                && !curl_easy_setopt (easy, CURLOPT_TCP_KEEPALIVE, 1L)
                && !curl_easy_setopt (easy, CURLOPT_CONNECTTIMEOUT_MS, (long) S_CONNECT_MS)
                && !curl_easy_setopt (easy, CURLOPT_TIMEOUT_MS, (long) call->timeout_ms);
    if (good && place->ca)
        good = !curl_easy_setopt (easy, CURLOPT_CAINFO, place->ca);
    if (good && place->cert)
        good = !curl_easy_setopt (easy, CURLOPT_SSLCERT, place->cert)
               && !curl_easy_setopt (easy, CURLOPT_SSLKEY, place->key)
               && !curl_easy_setopt (easy, CURLOPT_KEYPASSWD, "");   // else it asks at the terminal for one
    return good;
}

static void
s_begin (zanni__etcd_http_t *http, zanni__etcd_call_t *call)
{
    const zanni__etcd_answer_t failed = { .code = ZANNI_ENOMEM, .text = "there is no memory to speak to etcd" };
    call->easy = curl_easy_init ();
    if (!call->easy || !s_set (call) || curl_multi_add_handle (http->multi, call->easy)) {
        curl_easy_cleanup (call->easy);
        call->easy = NULL;
        s_end (call, &failed);
        return;
    }
    zanni__link_remove (&call->link);
    zanni__list_append (&http->going, &call->link);
    http->waiting_count--;
    http->going_count += call->timeout_ms != 0;
}

/* Frees what was cancelled and begins what waits; whether there was anything. */
static bool
s_move (zanni__etcd_http_t *http)
{
    bool moved = false;
    for (zanni__link_t *next, *at = http->going.next; at != &http->going; at = next) {
        zanni__etcd_call_t *call = ZANNI__CONTAINER (at, zanni__etcd_call_t, link);
        next = at->next;
        if (!call->cancelled)
            continue;
        http->going_count -= call->timeout_ms != 0;
        s_free (call);
        moved = true;
    }
    while (!zanni__list_empty (&http->waiting) && http->going_count < S_GOING) {
        s_begin (http, ZANNI__CONTAINER (http->waiting.next, zanni__etcd_call_t, link));
        moved = true;
    }
    return moved;
}

/* Ends what is done; whether there was anything. */
static bool
s_reap (zanni__etcd_http_t *http)
{
    const CURLMsg *msg;
    int left;
    bool any = false;
    while (!http->closed && (msg = curl_multi_info_read (http->multi, &left))) {
        char *call = NULL;
        CURLcode result = msg->data.result;
        if (msg->msg != CURLMSG_DONE || curl_easy_getinfo (msg->easy_handle, CURLINFO_PRIVATE, &call) || !call)
            continue;
        s_done ((zanni__etcd_call_t *) (void *) call, result);
        any = true;
    }
    return any;
}

static void
s_settle (zanni__etcd_http_t *http)
{
    int running;
    bool stirred = true;
    for (int i = 0; stirred && i < S_ROUNDS && !http->closed; i++) {
        stirred = s_move (http);
        if (http->due_ns <= zanni_now_ns (http->self)) {
            http->due_ns = INT64_MAX;
            (void) curl_multi_socket_action (http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
            stirred = true;
        }
        stirred |= s_reap (http);
    }
    if (!http->closed && (stirred || http->due_ns != INT64_MAX))
        s_set_timer (http, stirred ? zanni_now_ns (http->self) : http->due_ns);
}

static void
s_look (zanni__etcd_http_t *http, int64_t wait_ms)
{
    struct epoll_event events [S_GOING];
    int running, count = epoll_wait (http->epoll, events, S_GOING, (int) wait_ms);
    for (int i = 0; i < count; i++) {
        uint32_t is = events [i].events;
        int mask = (is & EPOLLIN ? CURL_CSELECT_IN : 0) | (is & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                   | (is & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        (void) curl_multi_socket_action (http->multi, events [i].data.fd, mask, &running);
    }
    s_settle (http);
}

int
zanni__etcd_http_ready (zanni__etcd_http_t *http)
{
    if (http->closed)
        return 0;
    s_look (http, 0);
    return http->closed ? 0 : zanni_watch_again (http->self, http->watch);
}

int
zanni__etcd_http_due (zanni__etcd_http_t *http)
{
    http->timer = 0;
    if (!http->closed)
        s_settle (http);
    return 0;
}

void
zanni__etcd_http_finish (zanni__etcd_http_t *http, int64_t within_ms)
{
    int64_t until_ns = zanni_now_ns (http->self) + within_ms * 1000000;
    s_settle (http);
    for (int64_t now_ns; !http->closed && http->going_count + http->waiting_count;) {
        now_ns = zanni_now_ns (http->self);
        if (now_ns >= until_ns)
            break;
        int64_t next_ns = http->due_ns < until_ns ? http->due_ns : until_ns;
        s_look (http, next_ns > now_ns ? (next_ns - now_ns) / 1000000 + 1 : 0);
    }
}

int
zanni__etcd_post (zanni__etcd_http_t *http, zanni__etcd_call_t **call_p, const zanni__etcd_post_t *post)
{
    char *body = post->body ? json_dumps (post->body, JSON_COMPACT) : NULL;
    json_decref (post->body);
    zanni__etcd_call_t *call = body ? calloc (1, sizeof *call + strlen (post->path) + 1) : NULL;
    int rc = http->closed ? ZANNI_ENODE : http->waiting_count == S_WAITING ? ZANNI_EFULL : call ? 0 : ZANNI_ENOMEM;
    if (rc) {
        free (body);
        free (call);
        return rc;
    }
    call->http = http;
    call->then = post->then;
    call->context = post->context;
    call->timeout_ms = post->timeout_ms;
    call->body = body;
    strcpy (call->path, post->path);
    zanni__list_append (&http->waiting, &call->link);
    http->waiting_count++;
    if (call_p)
        *call_p = call;
    s_set_timer (http, zanni_now_ns (http->self));
    return 0;
}

void
zanni__etcd_cancel (zanni__etcd_http_t *http, zanni__etcd_call_t *call)
{
    call->cancelled = true;
    if (call->easy) {
        s_set_timer (http, zanni_now_ns (http->self));
        return;
    }
    http->waiting_count--;
    s_free (call);
}
