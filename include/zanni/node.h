/* node.h: a run of zanni in this process, and the threads of the host that take part in it.

   zanni_new makes a node; the calling thread becomes its root actor. A host with a main loop of its own polls
   zanni_fd and calls zanni_step; one without calls zanni_run, zanni_call or zanni_receive, which drive the same
   worker. Other threads join by zanni_attach. References, messages and promises belong to the `self` that got them and
   have to be destroyed before it, so `self` is declared first. Unless said otherwise, a function may be called only from
   the thread whose `self` it takes (ZANNI_ETHREAD), and not in a child of fork (ZANNI_EFORK).

   libzmq and czmq, which come with the first thread, seed the C library's `rand` and `random` and draw from them: a host
   that needs a sequence of its own keeps one (random_r).

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_NODE_H
#define ZANNI_NODE_H

#include "log.h"
#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

struct zanni_clock;
struct zanni_port_ops;
struct zanni_place_ops;
struct zanni_region_ops;
struct zanni_link_ops;

/* Options of a node; zero is the default of each. zanni_new copies the texts, so they need not stay. */
typedef struct {
    size_t size;                 // sizeof (zanni_options_t), or 0; another is ZANNI_EINVAL
    const char *name;            // for logs; default "zanni"
    uint32_t workers;            // threads of the pool; default: as many as CPUs
    uint32_t mailbox_messages;   // default limit of a mailbox; default 8,192
    uint64_t mailbox_bytes;      // argument and buffer bytes in it; default 256 MiB
    uint32_t ask_deadline_ms;    // default 5000
    uint32_t watchdog_ms;        // how long a handler of any actor may take, see zanni_spawn_t; default: as long as it likes.
                                 // With it zanni_new starts a thread, since a root is watched, too
    uint32_t shutdown_ms;        // how long zanni_destroy may take, all its phases together; default 5000
    uint32_t heartbeat_ms;       // interval at which other nodes are seen to be there; default 1000
    uint64_t window_bytes;       // that may be under way from each endpoint of another node; default 8 MiB
    bool lane_off;               // small messages to other processes of this host go by ZeroMQ, too
    bool sleep_at_once;          // workers without work sleep; else one that exchanges messages with processes of this host
                                 // stays awake for up to 50 us, while that pays, to be answered in a few
    uint32_t wire_level_max;     // how buffers may travel: 1 in band, 2 as frames, too, 3 in shared memory, too; default 3
    uint32_t in_band_max;        // bytes of a buffer that goes in band where others would not; default 1,024
    uint32_t chunk_bytes;        // of the pieces that large buffers are cut into, two of which are under way at a time, as long
                                 // as other messages pass them; 16 KiB to 1 MiB, default 256 KiB: less for slow links
    uint64_t share_least;        // bytes of a buffer that goes in shared memory; default, and the least, 64 KiB
    uint64_t share_most;         // bytes of shared memory that this node makes at once; default a quarter of the host's
    const char *claim_store;     // claim check: buffers go as blobs in this store ("file:/a/folder", ...; not "peer:"), which
                                 // every node has to name that is to get any so; a kind that is a library of its own
                                 // has to be registered before zanni_init, to be there in processes, too
    uint64_t claim_least;        // bytes of such a buffer; default 1 MiB. zanni_set_claims says it for one actor
    const char *secret;          // of nodes on other hosts that trust each other, 16 to 255 bytes; default: ZANNI_SECRET in
                                 // the environment, or none. Not kept
    const char *secret_file;     // a file instead, of which that is the first line, and that nobody but its owner can read.
                                 // ZANNI_EAUTH: others can, or it is too short; `error` says why
    const char *certificate;     // instead, or beside it to dial by: a file with a secret key of this node's own, which nobody
                                 // but its owner can read: zanni/trust.h. ZANNI_EAUTH: it is none; `error` says why
    const char *allowed;         // with a certificate: a folder of public certificates of those who may connect
    bool insecure;               // without one, tcp may be open, on this host; beyond it zanni_bind and zanni_connect have
                                 // to say so, too
    bool allow_spawn;            // other nodes that may speak with this one may spawn actors on it, of its classes
    bool counts;                 // messages, bytes and time of each method are counted: zanni/counts.h
    const char *child_program;   // runs process actors: NULL: this program, whose main begins with zanni_init
    const char *const *child_arguments;   // of that program, which end with NULL; may be NULL
    zanni_log_fn *log;           // default: nothing is said
    void *log_context;
    zanni_error_t *error;        // filled when zanni_new fails; NULL: the log says what is wrong
    const struct zanni_clock *clock;         // the seams (zanni/sys/): default is this system
    const struct zanni_port_ops *port;
    const struct zanni_place_ops *place;
    const struct zanni_region_ops *region;
    const struct zanni_link_ops *link;
} zanni_options_t;

#define ZANNI_OPTIONS_DEFAULT { .size = sizeof (zanni_options_t) }

/* Makes a node whose root actor is the calling thread. Starts no thread: the first actor that needs one does. */
ZANNI_EXPORT int zanni_new (zanni_t **self_p, const zanni_options_t *options) ZANNI_CHECKED;

/* Ends what `self` began and nulls it; forgives NULL. For an attached thread: takes it out of the node. For a root: all
   actors and threads of the node, in phases, which in all take shutdown_ms at most and as a rule a few milliseconds:

   1. Nothing new begins: a spawn, here or by another node, and zanni_attach answer ZANNI_ECLOSED.
   2. All actors stop, and their stop hooks run, but for those on the root's own thread; threads and processes end when what
      they said last has arrived. For three quarters of the time; then the log names (as warnings) threads that are still
      there, with the class and method that each is in and for how long.
   3. What is left is killed: processes; actors, without a stop hook, as soon as their thread gets to it, and the log names
      them. At seven eighths of the time a thread that is stuck in the program's code is abandoned: the log says where
      (as an error), and zanni_destroy will answer ZANNI_ESTUCK.
   4. The root's actors stop, its sessions close, and the library's own threads are joined.

   Blocks. A stop hook on the root's own thread that does not return is waited for for ever. ZANNI_ESTUCK, as above.
   Without that anything happens: ZANNI_EOWNER (inside a handler, or of neither a root nor an attached thread),
   ZANNI_ETHREAD, ZANNI_EFORK. */
ZANNI_EXPORT int zanni_destroy (zanni_t **self_p);

/* The node, a handle that any thread may use as long as the node lives. */
ZANNI_EXPORT zanni_node_t *zanni_node_of (zanni_t *self);

/* Gives the calling thread an actor of its own in `node`. It must be destroyed on the same thread, before the
   node. ZANNI_ECLOSED once the node is ending. */
ZANNI_EXPORT int zanni_attach (zanni_t **self_p, zanni_node_t *node) ZANNI_CHECKED;

/* Gives a root or attached actor a class: state, methods and hooks; its start runs at once, with these arguments.
   Messages are handled from then on inside zanni_step and zanni_run. zanni_state is where what no argument can carry
   is put in. Once per actor. */
ZANNI_EXPORT int zanni_serve_args (zanni_t *self, const char *class_name, const zanni_arg_t *args,
                                   size_t count) ZANNI_CHECKED;

/* Works for at most `timeout_ms` (-1: without end), blocking when idle; 0 when zanni_exit was called or the time is
   over; ZANNI_ECLOSED once an exit signal has ended the actor (exit.h). Root and attached only. */
ZANNI_EXPORT int zanni_run (zanni_t *self, int64_t timeout_ms) ZANNI_CHECKED;

/* Asks that the node end, from any of its actors: the main program's zanni_wait returns, with an error's code and text where
   `code` is not 0 or `text` not NULL. The first who asks is heard. Nothing else happens: what is to end the node is its
   main program. So a method `stop`, which a client on another machine calls, is an ordinary one. In the process of a process
   actor, whose node is its own, that actor ends: as by zanni_exit or zanni_exit_error where it calls this itself, as by
   zanni_stop where another actor there does. Never blocks. ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_node_stop (zanni_t *self, int64_t code, const char *text) ZANNI_CHECKED;

/* The same from the host's own signal handler, which it may be called in, and from any thread, as long as the node lives: a
   handler must not find it any more once zanni_destroy is called. Reason: that signal; 0: shutdown. (The library itself
   installs no handler.) */
ZANNI_EXPORT void zanni_node_interrupt (zanni_node_t *node, int signal);

/* Works as zanni_run does until somebody asks that the node end, and says why: normal, error (code, text), shutdown, signal
   n. Who asked before is heard, too, and again by whoever waits then. zanni_exit of the root's own ends it as well, and is
   normal. `reason` may be NULL. With 0 it only looks; from the first time on zanni_fd is readable when somebody asks, too.
   ZANNI_ETIMEOUT: nobody did for `timeout_ms` (-1: without end); ZANNI_EOWNER: not the root, or inside a handler;
   ZANNI_EDESCRIPTORS, ZANNI_ENOMEM. */
ZANNI_EXPORT int zanni_wait (zanni_t *self, zanni_reason_t *reason, int64_t timeout_ms) ZANNI_CHECKED;

/* What is not done yet. */
typedef struct {
    uint64_t queued;     // messages in mailboxes
    uint64_t held;       // asks that actors have begun with and not answered
    uint64_t asked;      // asks of actors that are not answered, but for those whose answer zanni_receive would yield
    uint64_t unknown;    // threads of the node that do not say, since they are in a long method
} zanni_left_t;

/* Before the end: the node takes no new work from outside, and works until what it has is done: all mailboxes are empty and
   all asks are answered. From now on what nodes on other hosts (by tcp) ask is answered ZANNI_ECLOSED, what they tell is a dead
   letter, and they and zanni_attach can start nothing here; answers, and what the node's own processes and others on this
   host send, still come. What actors ask of others, and what they spawn, goes on. Works as zanni_run does: the root's own
   messages are handled, too. 0; ZANNI_ETIMEOUT: not all is done after `timeout_ms` (-1: without end), and `left` (may be NULL)
   says what is not. Timers and watches are no work, so actors that go on by themselves are not waited for; nor are attached
   threads that are away from zanni, and the mailboxes of process actors, which are nodes of their own: who has to know that
   these have done something asks them. ZANNI_EOWNER: not the root, or inside a handler; ZANNI_ENOMEM. There is no way back. */
ZANNI_EXPORT int zanni_drain (zanni_t *self, zanni_left_t *left, int64_t timeout_ms) ZANNI_CHECKED;

/* Handles at most `budget` messages of this thread's worker (at least 1) and never blocks. Answers 1 when work is
   left, 0 when not; ZANNI_ECLOSED as zanni_run. Root and attached only. */
ZANNI_EXPORT int zanni_step (zanni_t *self, uint32_t budget) ZANNI_CHECKED;

/* A descriptor for poll or epoll that is readable (level-triggered) as long as zanni_step has something to do; it
   belongs to the node. Root and attached only. ZANNI_EDESCRIPTORS. */
ZANNI_EXPORT int zanni_fd (zanni_t *self, int *fd_p) ZANNI_CHECKED;

/* What a node has done so far; counters only grow but the last two. */
typedef struct {
    uint64_t messages;       // handled by actors
    uint64_t dead_letters;   // could not be delivered
    uint64_t failed_tells;   // a handler answered an error to a tell
    uint64_t late_replies;   // came after their ask had ended
    uint64_t actors;         // alive now, root and attached included
    uint64_t threads;        // of the node now: pool workers, THREAD actors and the control thread
} zanni_stats_t;

ZANNI_EXPORT int zanni_stats (zanni_t *self, zanni_stats_t *stats) ZANNI_CHECKED;

/* Every dead letter of the node from now on is told to `method` of the calling actor, as "ssst": class and method
   it was for, why, and the size of its arguments. One subscriber a node; NULL ends it. */
ZANNI_EXPORT int zanni_dead_letters (zanni_t *self, const char *method) ZANNI_CHECKED;

static inline void
zanni_t_auto (zanni_t **self_p)
{
    (void) zanni_destroy (self_p);
}

#ifdef __cplusplus
}
#else

/* With their arguments typed by C; cpp.h has the same for C++. */
#define zanni_serve(self, ...) zanni_serve_args (self, ZANNI_ARGV (__VA_ARGS__))

#endif
#endif
