/* What the tests of messages share: a message made from arguments, and references that only count. */

#ifndef TESTS_UNIT_MESSAGE_SUPPORT_H
#define TESTS_UNIT_MESSAGE_SUPPORT_H

#include "base/memory.h"
#include "message/buffer.h"
#include "message/message.h"
#include "message/pack.h"
#include "support/faults.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* A reference is a counter here; `limit` keeps succeed, then memory is out. */
typedef struct {
    int kept;
    int limit;
} test_refs_t;

static inline zanni_ref_t *
test_ref_keep (void *context, const zanni_ref_t *ref)
{
    test_refs_t *refs = context;
    if (!refs->limit)
        return NULL;
    refs->limit--;
    refs->kept++;
    return (zanni_ref_t *) (uintptr_t) ref;
}

static inline void
test_ref_drop (void *context, zanni_ref_t *ref)
{
    test_refs_t *refs = context;
    (void) ref;
    refs->kept--;
}

static test_refs_t test_refs = { 0, 1 << 30 };
static const zanni__refs_t test_hooks = { test_ref_keep, test_ref_drop, &test_refs };

/* Made-up references: addresses that nobody looks behind. */
static inline zanni_ref_t *
test_ref (uintptr_t number)
{
    return (zanni_ref_t *) (number * 64);
}

static inline zanni_msg_t *
test_message (void)
{
    zanni_msg_t *msg = zanni__malloc (ZANNI__MESSAGE_SIZE);
    memset (msg, 0, sizeof *msg);
    return msg;
}

static inline int
test_pack_args (zanni_msg_t *msg, const zanni_arg_t *list, size_t count)
{
    zanni__pack_t pack = { msg->room, ZANNI__MESSAGE_ROOM, &test_hooks };
    return zanni__args_pack (&msg->args, &msg->payload, &pack, list, count);
}
#define test_pack(msg, ...) test_pack_args (msg, ZANNI_ARGS (__VA_ARGS__))

/* A message that holds these arguments. */
#define test_packed(...) test_packed_args (ZANNI_ARGS (__VA_ARGS__))

static inline zanni_msg_t *
test_packed_args (const zanni_arg_t *list, size_t count)
{
    zanni_msg_t *msg = test_message ();
    cr_assert_eq (test_pack_args (msg, list, count), 0);
    return msg;
}

/* A message whose argument bytes are these, in a block of their very size, as if they came from elsewhere. */
static inline zanni_msg_t *
test_foreign (const void *bytes, size_t size)
{
    zanni_msg_t *msg = test_message ();
    uint8_t *copy = malloc (size ? size : 1);
    if (size)
        memcpy (copy, bytes, size);
    msg->args = (zanni__args_t) { .bytes = copy, .size = (uint32_t) size };
    return msg;
}

static inline void
test_foreign_free (zanni_msg_t *msg)
{
    free ((void *) (uintptr_t) msg->args.bytes);
    zanni__msg_extra_free (msg);
    zanni__free (msg);
}

static inline void
test_free (zanni_msg_t *msg)
{
    zanni__args_release (&msg->args, msg->payload, &test_hooks);
    zanni__msg_extra_free (msg);
    zanni__free (msg);
}

#endif
