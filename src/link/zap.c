/* One handler for all nodes of the process, since they share the context, and it can have no more: a thread that answers what
   libzmq asks by RFC 27, from a list of domains, of which each knows whom it admits, and may want to look for that from time
   to time. It starts with the first domain and ends with the last. Before a domain counts, the handler has to refuse a key
   that is no key. To libzmq the key is the name of the user, who it then says that every frame is from (User-Id). */

#include "zap.h"

#include "../base/memory.h"
#include "../base/sockets.h"
#include "cert.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <zanni/error.h>
#include <zmq.h>

#define S_HANDLER "inproc://zeromq.zap.01"
#define S_END "inproc://zanni-zap-end"
#define S_PROOF_MS 2000
#define S_LOOK_MS 500
#define S_PART 256
#define S_PARTS 8   // of a question: version, id, domain, address, identity, mechanism, key; one more is too many

typedef struct s_domain {
    struct s_domain *next;
    char name [ZANNI__ZAP_DOMAIN];
    zanni__zap_asked_t asked;
} s_domain_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;     // of the list, held while one of it is asked
static pthread_mutex_t s_change = PTHREAD_MUTEX_INITIALIZER;   // held while the thread starts or ends; the others are its
static s_domain_t *s_domains;
static void *s_context;
static void *s_end;   // one end of a pair: a word by it ends the thread
static pthread_t s_thread;

void
zanni__zap_domain (char domain [ZANNI__ZAP_DOMAIN], const uint8_t id [16])
{
    (void) sodium_bin2hex (domain, ZANNI__ZAP_DOMAIN, id, 16);
}

static bool
s_admits (const char *domain, const uint8_t *key, size_t size)
{
    bool admits = false;
    pthread_mutex_lock (&s_lock);
    for (const s_domain_t *at = s_domains; at && size == ZANNI__KEY && !admits; at = at->next)
        admits = !strcmp (at->name, domain) && at->asked.admits (at->asked.context, key);
    pthread_mutex_unlock (&s_lock);
    return admits;
}

/* How long until the next look; -1: nobody wants one. */
static long
s_look (void)
{
    bool looks = false;
    pthread_mutex_lock (&s_lock);
    for (const s_domain_t *at = s_domains; at; at = at->next)
        if (at->asked.look) {
            at->asked.look (at->asked.context);
            looks = true;
        }
    pthread_mutex_unlock (&s_lock);
    return looks ? S_LOOK_MS : -1;
}

typedef struct {
    uint8_t bytes [S_PARTS][S_PART];
    size_t sizes [S_PARTS];
    int count;
} s_question_t;

/* What is too long or too much is cut, and so is no question that can be answered well. */
static bool
s_read (void *socket, s_question_t *question)
{
    int more = 1;
    size_t size = sizeof more;
    question->count = 0;
    while (more) {
        int at = question->count < S_PARTS ? question->count : S_PARTS - 1;
        int got = zmq_recv (socket, question->bytes [at], S_PART, 0);
        if (got < 0)
            return false;
        question->sizes [at] = (size_t) got < S_PART ? (size_t) got : 0;
        question->count++;
        if (zmq_getsockopt (socket, ZMQ_RCVMORE, &more, &size))
            return false;
    }
    return true;
}

static void
s_answer (void *socket, const s_question_t *question, bool admits)
{
    char user [ZANNI__Z85] = "";
    if (admits)
        (void) zanni__key_text (user, question->bytes [6]);
    const char *const parts [] = { admits ? "200" : "400", admits ? "" : "this key is not known", user, "" };
    (void) zmq_send (socket, "1.0", 3, ZMQ_SNDMORE);
    (void) zmq_send (socket, question->bytes [1], question->sizes [1], ZMQ_SNDMORE);
    for (int i = 0; i < 4; i++)
        (void) zmq_send (socket, parts [i], strlen (parts [i]), i < 3 ? ZMQ_SNDMORE : 0);
}

static void
s_serve (void *socket)
{
    s_question_t question = { .count = 0 };   // all of it: what did not come is empty
    char domain [ZANNI__ZAP_DOMAIN] = "";
    if (!s_read (socket, &question))
        return;
    bool curve = question.count == 7 && question.sizes [5] == 5 && !memcmp (question.bytes [5], "CURVE", 5)
                 && question.sizes [2] < sizeof domain;
    if (curve)
        memcpy (domain, question.bytes [2], question.sizes [2]);
    s_answer (socket, &question, curve && s_admits (domain, question.bytes [6], question.sizes [6]));
}

typedef struct {
    void *handler;
    void *end;
} s_ends_t;

static void *
s_run (void *argument)
{
    const s_ends_t ends = *(s_ends_t *) argument;
    zmq_pollitem_t items [] = { { .socket = ends.handler, .events = ZMQ_POLLIN }, { .socket = ends.end, .events = ZMQ_POLLIN } };
    zanni__free (argument);
    while (!(items [1].revents & ZMQ_POLLIN)) {
        if (zmq_poll (items, 2, s_look ()) < 0 && errno != EINTR)
            break;
        if (items [0].revents & ZMQ_POLLIN)
            s_serve (ends.handler);
    }
    (void) zmq_close (ends.handler);
    (void) zmq_close (ends.end);
    return NULL;
}

static int
s_socket (void **socket_p, int type, const char *endpoint, bool binds)
{
    const int none = 0;
    void *socket = zmq_socket (s_context, type);
    if (!socket)
        return errno == EMFILE ? ZANNI_ESOCKETS : ZANNI_ENOMEM;
    (void) zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    if (binds ? zmq_bind (socket, endpoint) : zmq_connect (socket, endpoint)) {
        (void) zmq_close (socket);
        return ZANNI_EAUTH;   // another handler is there, whose answers are not ours
    }
    *socket_p = socket;
    return 0;
}

/* Takes the ends. */
static int
s_start_thread (void *handler, void *end)
{
    sigset_t all, before;
    s_ends_t *ends = zanni__malloc (sizeof *ends);
    int rc = ends ? zanni__threads_left (1) : ZANNI_ENOMEM;
    if (!rc) {
        *ends = (s_ends_t) { handler, end };
        sigfillset (&all);   // signals are the host's
        pthread_sigmask (SIG_SETMASK, &all, &before);
        rc = pthread_create (&s_thread, NULL, s_run, ends) ? ZANNI_ETHREADS : 0;
        pthread_sigmask (SIG_SETMASK, &before, NULL);
    }
    if (rc)
        zanni__free (ends);
    return rc;
}

static int
s_open (void)
{
    void *handler = NULL, *end = NULL;
    int rc = zanni__descriptors_left (8);
    if (!rc)
        rc = s_socket (&handler, ZMQ_REP, S_HANDLER, true);
    if (!rc)
        rc = s_socket (&end, ZMQ_PAIR, S_END, true);
    if (!rc)
        rc = s_socket (&s_end, ZMQ_PAIR, S_END, false);
    if (!rc)
        rc = s_start_thread (handler, end);
    if (!rc)
        return 0;
    void *sockets [] = { handler, end, s_end };
    for (int i = 0; i < 3; i++)
        if (sockets [i])
            (void) zmq_close (sockets [i]);
    s_end = NULL;
    return rc;
}

static int
s_start (void)
{
    int rc = zanni__zmq_context_take (&s_context);
    if (rc)
        return rc;
    rc = s_open ();
    if (rc) {
        s_context = NULL;
        zanni__zmq_context_give ();
    }
    return rc;
}

static void
s_stop (void)
{
    (void) zmq_send (s_end, "", 0, 0);
    (void) pthread_join (s_thread, NULL);
    (void) zmq_close (s_end);
    s_end = s_context = NULL;
    zanni__zmq_context_give ();
}

/* Asks as libzmq does, about a key of zeros. */
static int
s_prove (const char *domain)
{
    static const uint8_t nobody [32];
    const int wait_ms = S_PROOF_MS;
    void *socket;
    s_question_t answer;
    int rc = zanni__descriptors_left (4);
    if (!rc)
        rc = s_socket (&socket, ZMQ_REQ, S_HANDLER, false);
    if (rc)
        return rc;
    const char *const parts [] = { "1.0", "proof", domain, "", "", "CURVE" };
    (void) zmq_setsockopt (socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
    for (int i = 0; i < 6; i++)
        (void) zmq_send (socket, parts [i], strlen (parts [i]), ZMQ_SNDMORE);
    (void) zmq_send (socket, nobody, sizeof nobody, 0);
    bool refuses = s_read (socket, &answer) && answer.count == 6 && answer.sizes [2] == 3 && !memcmp (answer.bytes [2], "400", 3);
    (void) zmq_close (socket);
    return refuses ? 0 : ZANNI_EAUTH;
}

static bool
s_add (const char *domain, const zanni__zap_asked_t *asked)
{
    s_domain_t *entry = zanni__malloc (sizeof *entry);
    if (!entry)
        return false;
    snprintf (entry->name, sizeof entry->name, "%s", domain);
    entry->asked = *asked;
    pthread_mutex_lock (&s_lock);
    entry->next = s_domains;
    s_domains = entry;
    pthread_mutex_unlock (&s_lock);
    return true;
}

static void
s_remove (const char *domain)
{
    pthread_mutex_lock (&s_lock);
    s_domain_t **at = &s_domains;
    while (*at && strcmp ((*at)->name, domain))
        at = &(*at)->next;
    s_domain_t *found = *at;
    if (found)
        *at = found->next;
    pthread_mutex_unlock (&s_lock);
    zanni__free (found);
}

int
zanni__zap_allow (const char *domain, const zanni__zap_asked_t *asked)
{
    pthread_mutex_lock (&s_change);
    int rc = s_context ? 0 : s_start ();
    bool started = !rc;
    bool added = !rc && s_add (domain, asked);
    if (!rc)
        rc = added ? s_prove (domain) : ZANNI_ENOMEM;   // which rouses the thread, too
    if (rc && added)
        s_remove (domain);
    if (rc && started && !s_domains)
        s_stop ();
    pthread_mutex_unlock (&s_change);
    return rc;
}

void
zanni__zap_forget (const char *domain)
{
    pthread_mutex_lock (&s_change);
    s_remove (domain);
    if (s_context && !s_domains)
        s_stop ();
    pthread_mutex_unlock (&s_change);
}
