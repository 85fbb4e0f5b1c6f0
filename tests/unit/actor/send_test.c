/* One message to many: its arguments are packed once, and each reader sees the same bytes. */

#include <criterion/criterion.h>
#include <string.h>
#include <zanni.h>

#define READERS 5

static const void *s_seen [READERS];
static size_t s_count;
static size_t s_size;

static int
reader_see (zanni_t *self, zanni_msg_t *msg)
{
    zanni_bytes_t bytes;
    (void) self;
    int rc = zanni_read (msg, &bytes);
    if (rc)
        return rc;
    s_size += bytes.size;
    s_seen [s_count++] = bytes.data;
    return 0;
}

static const zanni_method_t reader_methods [] = {
    ZANNI_METHOD ("see", "ay", "", reader_see, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t reader_class = { .name = "reader", .methods = reader_methods };
static const zanni_class_t *const classes [] = { &reader_class, NULL };

static char s_bytes [1000];

static void
send_to_all_readers (size_t size)
{
    zanni_t *self = NULL;
    zanni_ref_t *readers [READERS];
    const zanni_spawn_t here = { .place = ZANNI_HERE };
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, NULL), 0);
    for (int i = 0; i < READERS; i++)
        cr_assert_eq (zanni_spawn (self, &readers [i], "reader", &here), 0);
    const zanni_bytes_t bytes = { s_bytes, size };
    const zanni_ref_t *const *refs = (const zanni_ref_t *const *) readers;
    cr_assert_eq (zanni_send_all (self, refs, READERS, NULL, "see", bytes), READERS);
    while (zanni_step (self, 64) > 0)
        continue;
    for (int i = 0; i < READERS; i++)
        zanni_ref_destroy (&readers [i]);
    cr_assert_eq (zanni_destroy (&self), 0);
}

static void
expect_one_copy (size_t size)
{
    send_to_all_readers (size);
    cr_assert_eq (s_count, READERS);
    cr_assert_eq (s_size, READERS * size);
    for (int i = 1; i < READERS; i++)
        cr_assert_eq (s_seen [i], s_seen [0]);
    cr_assert_neq (s_seen [0], s_bytes, "what the sender has may change");
}

Test (send, what_goes_to_many_is_packed_once)
{
    expect_one_copy (sizeof s_bytes);
}

Test (send, what_goes_to_many_is_packed_once_though_it_would_lie_in_a_message)
{
    expect_one_copy (5);
}
