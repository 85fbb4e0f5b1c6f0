/* waiting.h: what the classes whose methods wait have in common: who waits, until when, and who was given something.

   A *client* is an actor that has asked; it is monitored from its first ask on, so that whatever it waits for or
   holds is known to be nobody's when it ends. A *wait* is one ask of a client's: it stands in a line until it is
   answered, its time is over, or its client gives up or ends. Where it carries a ticket and is answered, it stays
   with its client, as a *grant*, until the client says "got": until then it may come back ("give_back", or the
   client's end), and what was given goes to the next.

   Why that loses nothing: what one actor sends to another arrives in order. A client whose ask has ended without the
   answer says "give_back" before anything else that it sends then, whether the answer is on its way or not; so when
   its next ask arrives, the object knows that nothing is held by the former one. */

#ifndef ZANNI_OBJECT_WAITING_H
#define ZANNI_OBJECT_WAITING_H

#include "../base/list.h"
#include "../base/table.h"
#include <zanni/actor.h>
#include <zanni/call.h>
#include <zanni/error.h>

#define ZANNI__FOREVER (-1)

typedef struct {
    zanni__entry_t entry;     // by the hash of its reference
    zanni__link_t all;
    zanni__link_t waits;      // its waits and grants, in the order in which they were asked
    zanni_ref_t *ref;         // weak
    uint64_t monitor;
    int64_t held;             // what it holds, by the class's count
} zanni__client_t;

typedef struct {
    zanni__link_t line;       // in which it stands; in none: a grant
    zanni__link_t own;        // among its client's
    zanni__entry_t entry;     // by client and ticket, where it has one
    zanni__client_t *client;
    zanni_promise_t *promise; // NULL: answered
    uint64_t ticket;
    uint64_t timer;           // 0: none
    int64_t timeout_ms;
    int64_t count;            // the class's own, as are:
    bool flag;
    void *item;
} zanni__wait_t;

typedef struct zanni__waiting zanni__waiting_t;

/* What a class adds. Every hook may be NULL; `serve` is called behind each other one, and may answer waits. */
typedef struct {
    /* The time of a wait is over: it has left its line. NULL: answered with ZANNI_ETIMEOUT. A hook that puts it into
       another line lets it wait on, for ever. */
    void (*late) (zanni__waiting_t *waiting, zanni__wait_t *wait);
    /* It was answered, and its client never got that, or ended before it could say so (`ended`). */
    void (*back) (zanni__waiting_t *waiting, zanni__wait_t *wait, bool ended);
    /* It was answered, and its client has got that. */
    void (*got) (zanni__waiting_t *waiting, zanni__wait_t *wait);
    /* It leaves its line and was given nothing: its client gave up or ended. */
    void (*gone) (zanni__waiting_t *waiting, zanni__wait_t *wait);
    /* A client has ended; its waits and grants were dealt with. */
    void (*down) (zanni__waiting_t *waiting, zanni__client_t *client);
    void (*serve) (zanni__waiting_t *waiting);
    bool careless;            // nothing that it answers can be lost: there are no grants, and asks without a ticket may
                              // have a deadline
} zanni__waiting_ops_t;

/* The state of such a class begins with this. */
struct zanni__waiting {
    zanni_t *self;
    const zanni__waiting_ops_t *ops;
    zanni__table_t clients;
    zanni__link_t all;        // clients
    zanni__table_t tickets;   // waits and grants that have one
    uint32_t count;           // waits and grants
    zanni__wait_t *entering;  // the ask at hand, as long as it is not answered
};

void zanni__waiting_begin (zanni__waiting_t *waiting, zanni_t *self, const zanni__waiting_ops_t *ops);

/* The end of the actor: forgets everything. `drop` (may be NULL) frees the item of a wait. Again is harmless. */
void zanni__waiting_end (zanni__waiting_t *waiting, void (*drop) (void *item));

/* The ask `msg`, whose next arguments are the timeout and the ticket, stands in `line` at the end. Then the class
   serves, and what is still there waits: zanni__wait_stay. 0, or what is wrong with it. */
int zanni__wait_enter (zanni__waiting_t *waiting, zanni__wait_t **wait_p, zanni_msg_t *msg, zanni__link_t *line);

/* Serves; where `wait` of zanni__wait_enter is still waiting then, its time begins, or is over at once. */
int zanni__wait_stay (zanni__waiting_t *waiting);

/* Who sent it, or NULL where that is no client yet; the second makes it one. ZANNI_ENOMEM. */
zanni__client_t *zanni__client_of (const zanni__waiting_t *waiting, const zanni_msg_t *msg);
int zanni__client_get (zanni__waiting_t *waiting, zanni__client_t **client_p, const zanni_msg_t *msg);

/* Puts a wait that is not answered into another line, at its end, where it waits for ever. */
void zanni__wait_move (zanni__waiting_t *waiting, zanni__wait_t *wait, zanni__link_t *line);

/* The first of a line whose ask is still open, or NULL; those whose is not leave it. */
zanni__wait_t *zanni__line_first (zanni__waiting_t *waiting, zanni__link_t *line);

/* Answers: out of its line, and kept as a grant where it has a ticket and the class is not careless; else it is freed.
   On a code (the values could not be packed, ...) its client got that as an error, and it is freed. */
int zanni__wait_answer (zanni__waiting_t *waiting, zanni__wait_t *wait, const zanni_arg_t *args, size_t count);

/* Answers with an error, and frees. */
void zanni__wait_fail (zanni__waiting_t *waiting, zanni__wait_t *wait, int code, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

/* Frees what is of no interest any more: a wait or grant; all grants of a client. */
void zanni__wait_free (zanni__waiting_t *waiting, zanni__wait_t *wait);
void zanni__grants_free (zanni__waiting_t *waiting, zanni__client_t *client);

/* The methods that each such class has, and its hooks; the stop hook of those that have nothing more to give up. */
int zanni__waiting_got (zanni_t *self, zanni_msg_t *msg);
int zanni__waiting_give_back (zanni_t *self, zanni_msg_t *msg);
int zanni__waiting_due (zanni_t *self, zanni_msg_t *msg);
void zanni__waiting_down (zanni_t *self, const zanni_down_t *down);
void zanni__waiting_stop (zanni_t *self, const zanni_reason_t *reason);

#define ZANNI__WAITING_METHODS                                                                                     \
    ZANNI_METHOD ("got", "t", "", zanni__waiting_got, "The answer with this ticket has come."),                    \
    ZANNI_METHOD ("give_back", "t", "", zanni__waiting_give_back, "The ask with this ticket has ended without."),  \
    ZANNI_PRIVATE ("zanni.due", "t", "", zanni__waiting_due, "The time of a wait is over.")

/* Refuses a message: sets what is wrong, and answers `code`, for the handler to return. */
int zanni__refuse (zanni_msg_t *msg, int code, const char *format, ...) __attribute__ ((format (printf, 3, 4)));

#endif
