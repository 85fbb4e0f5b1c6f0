#include "bank.h"

#define SEEN 64   // transfers that an account remembers, a ring

bool account_forgets;

typedef struct {
    int64_t balance;
    int64_t seen [SEEN];
    uint32_t count;
} account_t;

static bool
has_seen (const account_t *account, int64_t number)
{
    for (uint32_t i = 0; i < SEEN && i < account->count; i++)
        if (account->seen [i] == number)
            return true;
    return false;
}

/* Whoever got no answer asks again: the second time nothing may happen. */
static int
account_add (zanni_t *self, zanni_msg_t *msg)
{
    account_t *account = zanni_state (self);
    int64_t number, amount;
    int rc = zanni_read (msg, &number, &amount);
    if (rc)
        return rc;
    if (account_forgets || !has_seen (account, number)) {
        account->seen [account->count++ % SEEN] = number;
        account->balance += amount;
    }
    return zanni_reply (self, msg, account->balance);
}

static const zanni_method_t account_methods [] = {
    ZANNI_METHOD ("add", "xx", "x", account_add, "Adds an amount, once for each transfer; answers the balance."),
    ZANNI_METHOD_END
};
const zanni_class_t account_class = {
    .name = "account", .state_size = sizeof (account_t), .methods = account_methods
};

typedef struct {
    zanni_ref_t *accounts [2];   // from, to
    int64_t number;
    int64_t amount;
    int done;                    // halves
} transfer_t;

static void transfer_answered (zanni_t *self, zanni_msg_t *reply, void *arg);

static int
transfer_ask (zanni_t *self)
{
    transfer_t *transfer = zanni_state (self);
    const zanni_ask_t ask = { .then = transfer_answered, .deadline_ms = 500 };
    int64_t amount = transfer->done ? transfer->amount : -transfer->amount;
    return zanni_ask (self, transfer->accounts [transfer->done], &ask, "add", transfer->number, amount);
}

static int
transfer_again (zanni_t *self, zanni_msg_t *msg)
{
    uint64_t timer;
    (void) msg;
    int rc = transfer_ask (self);
    return rc ? zanni_timer (self, &timer, 500, 0, "again") : 0;
}

static void
transfer_answered (zanni_t *self, zanni_msg_t *reply, void *arg)
{
    transfer_t *transfer = zanni_state (self);
    zanni_error_t error;
    (void) arg;
    if (zanni_msg_error (reply, &error))   // it is none
        transfer->done++;
    int rc = transfer->done == 2 ? zanni_exit (self) : transfer_again (self, NULL);
    if (rc)
        (void) zanni_exit_error (self, rc, "a transfer cannot go on");
}

static int
transfer_start (zanni_t *self, zanni_msg_t *msg)
{
    transfer_t *transfer = zanni_state (self);
    const zanni_ref_t *from, *to;
    int rc = zanni_read (msg, &from, &to, &transfer->number, &transfer->amount);
    if (!rc)
        rc = zanni_ref_keep (self, &transfer->accounts [0], from);
    if (!rc)
        rc = zanni_ref_keep (self, &transfer->accounts [1], to);
    return rc ? rc : transfer_again (self, NULL);
}

static void
transfer_stop (zanni_t *self, const zanni_reason_t *reason)
{
    transfer_t *transfer = zanni_state (self);
    (void) reason;
    zanni_ref_destroy (&transfer->accounts [0]);
    zanni_ref_destroy (&transfer->accounts [1]);
}

static const zanni_method_t transfer_methods [] = {
    ZANNI_PRIVATE ("again", "", "", transfer_again, "Tries again."),
    ZANNI_METHOD_END
};
const zanni_class_t transfer_class = {
    .name = "transfer", .state_size = sizeof (transfer_t), .methods = transfer_methods, .start_in = "rrxx",
    .start = transfer_start, .stop = transfer_stop
};
