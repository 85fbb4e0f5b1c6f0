/* Records and header frames: what is written is read, nothing is written where it does not fit, and what strangers send
   is bounded. The golden vectors (golden_test.c) hold every form and every fault. */

#include "wire/record.h"
#include "wire/tell.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zanni/buffer.h>
#include <zanni/log.h>

#define GUARD 0xa5

static const uint8_t nonce [16] = "nonce of someone";
static const uint8_t other [16] = "nonce of another";
static const uint8_t node [16] = "id of some node.";
static const uint8_t host [16] = "id of some host.";

static zanni_wire_ref_t refs [ZANNI_WIRE_TABLE_MAX];
static zanni_wire_buffer_t buffers [ZANNI_WIRE_TABLE_MAX];
static zanni__tables_t tables = { .refs = refs, .buffers = buffers };

static zanni_bytes_t
text (const char *string)
{
    return (zanni_bytes_t) { .data = string, .size = strlen (string) };
}

static bool
same_text (const zanni_bytes_t *one, const zanni_bytes_t *two)
{
    return one->size == two->size && (!one->size || !memcmp (one->data, two->data, one->size));
}

static const zanni_wire_ref_t some_refs [] = {
    { .node = node, .actor = 7, .nonce = nonce, .endpoint = { "ipc:///run/a", 12 }, .cls = { "counter", 7 },
      .strong = true },
    { .actor = 1u << 20, .nonce = other, .cls = { "", 0 }, .own = true }
};
static const zanni_wire_buffer_t some_buffers [] = {
    { .size = 1000 },
    { .size = 64u << 20, .chunks = 9 },
    { .size = 96, .element = ZANNI_FLOAT64, .dimensions = 3, .shape = { 2, 3, 2 } }
};

/* A record of each kind, with everything that its kind has. */
static zanni_record_t
sample (unsigned kind)
{
    zanni_record_t record = {
        .kind = (uint8_t) kind, .id = UINT64_C (0x1234567890), .to = { 3, nonce }, .from = { 1u << 16, other },
        .method = text ("method"), .args = { "\x92\x05\xa3""abc", 6 }, .remaining_ms = 4999, .refs = some_refs,
        .refs_count = 2, .buffers = some_buffers, .buffers_count = 3
    };
    if (kind == ZANNI_RECORD_FORWARDED || kind == ZANNI_RECORD_SPAWNED)
        record.about = &some_refs [0];
    if (kind == ZANNI_RECORD_BATCH || kind == ZANNI_RECORD_ACK)
        record.as.batch.sequence = 17, record.as.batch.ack = 300, record.as.batch.window = 1 << 20;
    if (kind == ZANNI_RECORD_HELLO || kind == ZANNI_RECORD_WELCOME)
        record.as.hello = (zanni_wire_hello_t) {
            .version_min = 1, .version_max = 1, .node = node, .incarnation = 2, .name = text ("name"), .host = host,
            .session = 5, .last = 6, .abilities = ZANNI_ABILITY_LINK, .window = 1 << 20, .buffer_max = 1u << 30,
            .endpoint = text ("ipc:///run/a"), .home = text ("ipc:///run/b")
        };
    if (kind == ZANNI_RECORD_ERROR || kind == ZANNI_RECORD_BYE) {
        record.as.error.code = kind == ZANNI_RECORD_BYE ? ZANNI_BYE_FAULT : ZANNI_EAPP;
        record.as.error.app_code = -5;
        record.as.error.text = text ("no disk");
        record.as.error.node = node;
        record.as.error.actor = 4;
    }
    if (kind == ZANNI_RECORD_DOWN || kind == ZANNI_RECORD_EXIT || kind == ZANNI_RECORD_STOP) {
        record.as.end.reason = (zanni_wire_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = -3, .text = text ("why") };
        record.as.end.restarts = kind == ZANNI_RECORD_DOWN;
    }
    if (kind == ZANNI_RECORD_RELEASE)
        record.as.count = 3;
    if (kind == ZANNI_RECORD_CHUNK)
        record.as.chunk.buffer = 9, record.as.chunk.offset = 256u << 10, record.as.chunk.total = 64u << 20;
    if (kind == ZANNI_RECORD_SPAWN) {
        record.as.spawn.place = 2, record.as.spawn.worker = 3, record.as.spawn.restartable = true;
        record.as.spawn.waits = 2, record.as.spawn.again = true;
        record.as.spawn.overflow = 1, record.as.spawn.mailbox_messages = 100, record.as.spawn.mailbox_bytes = 1u << 20;
        record.as.spawn.beside = (zanni_wire_actor_t) { 5, other }, record.as.spawn.watchdog_ms = 60000;
    }
    if (kind == ZANNI_RECORD_LANE)
        record.as.lane.segment = 12, record.as.lane.count = 3;
    return record;
}

/* A tell of one integer without anything beside it. */
static zanni_record_t
plain_tell (void)
{
    return (zanni_record_t) {
        .kind = ZANNI_RECORD_TELL, .to = { 3, nonce }, .from = { 70000, other }, .method = text ("add"),
        .args = { "\x91\x05", 2 }
    };
}

static size_t
write_record (uint8_t *bytes, size_t room, const zanni_record_t *record)
{
    size_t size = zanni__record_write (bytes, room, record);
    cr_assert (size && size <= room);
    return size;
}

/* Reads the one record that the bytes are. */
static zanni_record_t
read_record (const uint8_t *bytes, size_t size)
{
    zanni_record_t record;
    const char *fault = NULL;
    zanni__reader_t reader = zanni__reader (bytes, (uint32_t) size);
    memset (&record, GUARD, sizeof record);
    cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), 1, "%s", fault);
    cr_assert_eq (reader.at, reader.end);
    return record;
}

static const char *
fault_of (const uint8_t *bytes, size_t size, size_t *at)
{
    zanni_record_t record;
    const char *fault = NULL;
    zanni__reader_t reader = zanni__reader (bytes, (uint32_t) size);
    cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), -1);
    *at = (size_t) (reader.at - bytes);
    return fault;
}

Test (record, of_every_kind_is_read_as_it_was_written)
{
    uint8_t bytes [1024], again [1024];
    for (unsigned kind = 0; kind < 256; kind++) {
        if (*zanni_record_name (kind) == '?')
            continue;
        const zanni_record_t record = sample (kind);
        size_t size = write_record (bytes, sizeof bytes, &record);
        const zanni_record_t read = read_record (bytes, size);
        cr_assert_eq (read.kind, kind);
        cr_assert_eq (write_record (again, sizeof again, &read), size, "%u", kind);
        cr_assert_arr_eq (bytes, again, size, "%u", kind);
    }
}

Test (record, of_an_ask_keeps_its_members)
{
    uint8_t bytes [1024];
    const zanni_record_t ask = sample (ZANNI_RECORD_ASK);
    const zanni_record_t read = read_record (bytes, write_record (bytes, sizeof bytes, &ask));
    cr_assert_eq (read.id, ask.id);
    cr_assert_eq (read.remaining_ms, ask.remaining_ms);
    cr_assert_eq (read.to.actor, 3);
    cr_assert_arr_eq (read.to.nonce, nonce, 16);
    cr_assert_eq (read.from.actor, 1u << 16);
    cr_assert (same_text (&read.method, &ask.method) && same_text (&read.args, &ask.args));
    cr_assert_not (read.args_framed || read.args_chunks || read.about);
    cr_assert (read.refs_count == 2 && read.buffers_count == 3);
    cr_assert_arr_eq (read.refs [0].node, node, 16);
    cr_assert (read.refs [0].strong && !read.refs [0].own && same_text (&read.refs [0].cls, &some_refs [0].cls));
    cr_assert_null (read.refs [1].node);
    cr_assert (read.refs [1].own && !read.refs [1].endpoint.size && read.refs [1].actor == 1u << 20);
    cr_assert (read.buffers [1].chunks == 9 && read.buffers [1].size == 64u << 20 && !read.buffers [1].dimensions);
    cr_assert (read.buffers [2].element == ZANNI_FLOAT64 && read.buffers [2].dimensions == 3);
    cr_assert_arr_eq (read.buffers [2].shape, some_buffers [2].shape, 3 * sizeof (uint64_t));
}

Test (record, of_a_welcome_has_one_version)
{
    uint8_t bytes [1024];
    const zanni_record_t welcome = sample (ZANNI_RECORD_WELCOME);
    const zanni_record_t read = read_record (bytes, write_record (bytes, sizeof bytes, &welcome));
    cr_assert_eq (read.as.hello.version_min, 1);
    cr_assert_eq (read.as.hello.version_max, 1);
    cr_assert_eq (read.as.hello.purpose, 0);
    cr_assert_arr_eq (read.as.hello.host, host, 16);
    cr_assert (same_text (&read.as.hello.home, &welcome.as.hello.home));
}

Test (record, with_a_relayed_actor_names_it_in_full_and_nobody_in_its_place)
{
    static const struct {
        uint8_t kind;
        bool from;
    } relayed [] = {
        { ZANNI_RECORD_TELL, true }, { ZANNI_RECORD_ASK, true }, { ZANNI_RECORD_MONITOR, false },
        { ZANNI_RECORD_DEMONITOR, false }, { ZANNI_RECORD_RELEASE, false }
    };
    uint8_t bytes [1024];
    for (size_t i = 0; i < sizeof relayed / sizeof *relayed; i++) {
        zanni_record_t record = sample (relayed [i].kind);
        record.about = &some_refs [0];
        const zanni_record_t read = read_record (bytes, write_record (bytes, sizeof bytes, &record));
        const zanni_wire_actor_t *in_place = relayed [i].from ? &read.from : &read.to;
        cr_assert_not_null (read.about);
        cr_assert (read.about->actor == 7 && same_text (&read.about->endpoint, &some_refs [0].endpoint));
        cr_assert_null (in_place->nonce);
    }
}

Test (record, of_a_plain_tell_takes_at_most_64_bytes)
{
    uint8_t bytes [256];
    zanni_record_t tell = plain_tell ();
    tell.to.actor = tell.from.actor = UINT32_MAX;
    cr_assert_leq (write_record (bytes, sizeof bytes, &tell), 64);
    tell.to.actor = tell.from.actor = 100;
    tell.method = text ("counter.add");
    cr_assert_leq (write_record (bytes, sizeof bytes, &tell), 64);
}

Test (record, that_does_not_fit_is_not_written_past_its_room)
{
    uint8_t bytes [1024];
    for (unsigned kind = 0; kind < 256; kind++) {
        if (*zanni_record_name (kind) == '?')
            continue;
        const zanni_record_t record = sample (kind);
        size_t size = write_record (bytes, sizeof bytes, &record);
        for (size_t room = 0; room <= size + 400; room++) {
            uint8_t *exact = malloc (room + 1);   // the sanitizer watches what is behind
            exact [room] = GUARD;
            cr_assert_eq (zanni__record_write (exact, room, &record), room < size ? 0 : size, "%u %zu", kind, room);
            cr_assert_eq (exact [room], GUARD);
            free (exact);
        }
    }
}

Test (record, of_a_plain_tell_is_the_same_in_every_room)
{
    static uint8_t args [256], method [64];
    uint8_t wide [1024], narrow [1024];
    memset (method, 'm', sizeof method);
    for (size_t length = 0; length < sizeof method; length++)
        for (size_t size = 0; size <= sizeof args; size += 5) {
            zanni_record_t tell = plain_tell ();
            tell.method = (zanni_bytes_t) { method, length };
            tell.args = (zanni_bytes_t) { args, size };
            tell.to.actor = UINT64_C (1) << length;
            if (length % 2)
                tell.from = (zanni_wire_actor_t) { 0 };
            size_t total = write_record (wide, sizeof wide, &tell);
            cr_assert_eq (write_record (narrow, total, &tell), total);
            cr_assert_arr_eq (wide, narrow, total);
            const zanni_record_t read = read_record (wide, total);
            cr_assert (read.to.actor == tell.to.actor && (read.from.nonce != NULL) == (tell.from.nonce != NULL));
            cr_assert (same_text (&read.method, &tell.method) && same_text (&read.args, &tell.args));
            cr_assert_not (read.refs_count || read.buffers_count || read.about || read.args_framed || read.args_chunks);
        }
}

/* The head of a tell that was written and read. */
static uint32_t
head_of (uint8_t *bytes, size_t room, const zanni_record_t *written, size_t *size)
{
    zanni_record_t record;
    const char *fault = NULL;
    *size = write_record (bytes, room, written);
    zanni__reader_t reader = zanni__reader (bytes, (uint32_t) *size);
    cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), 1, "%s", fault);
    return zanni__tell_head (bytes, *size, &record);
}

Test (head, of_a_plain_tell_ends_with_the_size_of_its_arguments)
{
    uint8_t bytes [512];
    size_t size;
    zanni_record_t tell = plain_tell ();
    uint32_t head = head_of (bytes, sizeof bytes, &tell, &size);
    cr_assert_eq (head + tell.args.size, size);
    cr_assert_eq (bytes [head - 1], tell.args.size);
    tell.refs = some_refs;
    tell.refs_count = 1;
    cr_assert_eq (head_of (bytes, sizeof bytes, &tell, &size), 0);
    tell.refs_count = 0;
    tell.kind = ZANNI_RECORD_ASK;
    tell.id = 1;
    cr_assert_eq (head_of (bytes, sizeof bytes, &tell, &size), 0);
}

Test (head, of_a_tell_is_known_again_whatever_the_arguments_are)
{
    uint8_t first [512], second [512];
    size_t size, other_size;
    zanni_bytes_t args;
    zanni_record_t tell = plain_tell ();
    uint32_t head = head_of (first, sizeof first, &tell, &size);
    static const uint8_t long_args [200] = { 0xdc, 0, 197 };
    tell.args = (zanni_bytes_t) { long_args, sizeof long_args };
    other_size = write_record (second, sizeof second, &tell);
    zanni__reader_t reader = zanni__reader (second, (uint32_t) other_size);
    cr_assert (zanni__tell_again (&reader, first, head, &args));
    cr_assert_eq (args.size, sizeof long_args);
    cr_assert_eq (args.data, second + head);
    cr_assert_eq (reader.at, reader.end);
}

/* Nothing is taken, and the reader stands where it stood. */
Test (head, of_another_tell_or_of_one_that_is_cut_off_is_not)
{
    uint8_t first [512], second [512];
    size_t size;
    zanni_bytes_t args;
    zanni_record_t tell = plain_tell ();
    uint32_t head = head_of (first, sizeof first, &tell, &size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc (cut ? cut : 1);   // so that a sanitizer sees who reads behind it
        memcpy (exact, first, cut);
        zanni__reader_t reader = zanni__reader (exact, (uint32_t) cut);
        cr_assert_not (zanni__tell_again (&reader, first, head, &args), "%d bytes are enough", (int) cut);
        cr_assert_eq (reader.at, exact);
        free (exact);
    }
    for (uint32_t at = 0; at < head - 1; at++) {
        memcpy (second, first, size);
        second [at] ^= 1;
        zanni__reader_t reader = zanni__reader (second, (uint32_t) size);
        cr_assert_not (zanni__tell_again (&reader, first, head, &args), "byte %d makes no difference", (int) at);
    }
}

Test (record, is_read_behind_another_until_the_frame_ends)
{
    uint8_t bytes [4096];
    size_t size = 0;
    for (unsigned kind = 0; kind < 64; kind++)
        if (*zanni_record_name (kind) != '?') {
            const zanni_record_t record = sample (kind);
            size += write_record (bytes + size, sizeof bytes - size, &record);
            bytes [size++] = 0x92;   // and one of an unknown kind
            bytes [size++] = 0x7f;
            bytes [size++] = 0xc0;
        }
    zanni__reader_t reader = zanni__reader (bytes, (uint32_t) size);
    zanni_record_t record;
    const char *fault = NULL;
    for (unsigned kind = 0; kind < 64; kind++)
        if (*zanni_record_name (kind) != '?') {
            cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), 1, "%s", fault);
            cr_assert_eq (record.kind, kind);
        }
    cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), 0);
    cr_assert_eq (zanni__record_read (&reader, &record, &tables, &fault), 0);
}

Test (record, that_is_wrong_says_where)
{
    size_t at;
    uint8_t bytes [1024];
    const zanni_record_t tell = plain_tell ();
    size_t size = write_record (bytes, sizeof bytes, &tell);
    bytes [2] = 0xc3;   // to: true
    cr_assert_str_eq (fault_of (bytes, size, &at), "to is neither nil nor [actor, nonce]");
    cr_assert_eq (at, 2);
    bytes [2] = 0x92;
    bytes [size - 3] = 0xa3;   // the length of the arguments
    (void) fault_of (bytes, size, &at);
    cr_assert_eq (at, size - 4);
}

Test (record, has_as_many_references_and_buffers_as_the_limit_and_no_more)
{
    static uint8_t bytes [1 << 17];
    static zanni_wire_ref_t many_refs [ZANNI_WIRE_TABLE_MAX];
    static zanni_wire_buffer_t many_buffers [ZANNI_WIRE_TABLE_MAX];
    zanni_record_t reply = sample (ZANNI_RECORD_REPLY);
    for (size_t i = 0; i < ZANNI_WIRE_TABLE_MAX; i++) {
        many_refs [i] = some_refs [1];
        many_buffers [i] = (zanni_wire_buffer_t) { .size = i };
    }
    reply.refs = many_refs;
    reply.buffers = many_buffers;
    reply.refs_count = reply.buffers_count = ZANNI_WIRE_TABLE_MAX;
    const zanni_record_t read = read_record (bytes, write_record (bytes, sizeof bytes, &reply));
    cr_assert_eq (read.refs_count, ZANNI_WIRE_TABLE_MAX);
    cr_assert_eq (read.buffers [ZANNI_WIRE_TABLE_MAX - 1].size, ZANNI_WIRE_TABLE_MAX - 1);
    size_t at;
    static const uint8_t over [2000] = { 0x95, ZANNI_RECORD_REPLY, 0x05, 0xdc, 0x04, 0x01 };
    cr_assert_str_eq (fault_of (over, sizeof over, &at), "refs is no array of at most 1024 references");
    cr_assert_eq (at, 3);
}

Test (record, counts_its_frames)
{
    zanni_record_t record = sample (ZANNI_RECORD_TELL);
    cr_assert_eq (zanni__record_frames (&record), 2);   // the third buffer comes in chunks
    record.args_framed = true;
    cr_assert_eq (zanni__record_frames (&record), 3);
    record.kind = ZANNI_RECORD_CHUNK;
    cr_assert_eq (zanni__record_frames (&record), 1);
    record.kind = ZANNI_RECORD_ACK;
    cr_assert_eq (zanni__record_frames (&record), 0);
}

Test (record, has_a_name_for_people)
{
    cr_assert_str_eq (zanni_record_name (ZANNI_RECORD_TELL), "TELL");
    cr_assert_str_eq (zanni_record_name (ZANNI_RECORD_LANE), "LANE");
    cr_assert_str_eq (zanni_record_name (5), "?");
    cr_assert_str_eq (zanni_record_name (UINT32_MAX), "?");
}

static int
count (void *context, const zanni_record_t *record)
{
    (void) record;
    ++*(size_t *) context;
    return 0;
}

/* A BATCH and tells up to `size` bytes. */
static size_t
fill_frame (uint8_t *bytes, size_t size)
{
    const zanni_record_t batch = sample (ZANNI_RECORD_BATCH);
    const zanni_record_t tell = plain_tell ();
    size_t used = write_record (bytes, size, &batch);
    size_t more = used;
    while (more) {
        more = zanni__record_write (bytes + used, size - used, &tell);
        used += more;
    }
    return used;
}

Test (frame, is_at_most_65536_bytes_long)
{
    static uint8_t bytes [ZANNI_WIRE_HEADER_MAX + 1];
    zanni_error_t fault;
    size_t told = 0;
    size_t used = fill_frame (bytes, sizeof bytes);
    memset (bytes + used, 0x90, sizeof bytes - used);
    bytes [used] = (uint8_t) (0x90 | (sizeof bytes - used - 2));   // an unknown record takes the rest
    bytes [used + 1] = 0x7f;
    cr_assert_eq (zanni_wire_decode (bytes, sizeof bytes - 1, count, &told, &fault), 0, "%s", fault.text);
    cr_assert_gt (told, 1000);
    told = 0;
    cr_assert_eq (zanni_wire_decode (bytes, sizeof bytes, count, &told, &fault), ZANNI_EARGS);
    cr_assert_str_eq (fault.text, "byte 65536: a header frame is no longer than 65536 bytes");
    cr_assert_eq (told, 0);
}

static int
stop_at_third (void *context, const zanni_record_t *record)
{
    size_t *told = context;
    (void) record;
    return ++*told == 3 ? 42 : 0;
}

Test (frame, is_told_until_the_callback_has_enough)
{
    uint8_t bytes [4096];
    size_t told = 0;
    size_t used = fill_frame (bytes, sizeof bytes);
    cr_assert_eq (zanni_wire_decode (bytes, used, stop_at_third, &told, NULL), 42);
    cr_assert_eq (told, 3);
}

Test (frame, is_told_up_to_its_fault)
{
    uint8_t bytes [4096];
    zanni_error_t fault = { .app_code = 5 };
    size_t told = 0;
    size_t used = fill_frame (bytes, sizeof bytes - 1);
    bytes [used] = 0xc1;
    cr_assert_eq (zanni_wire_decode (bytes, used, count, &told, NULL), 0);
    size_t all = told;
    told = 0;
    cr_assert_eq (zanni_wire_decode (bytes, used + 1, count, &told, &fault), ZANNI_EARGS);
    cr_assert_eq (told, all);
    cr_assert (fault.code == ZANNI_EARGS && fault.app_code == 0 && !fault.data);
}

Test (frame, of_no_bytes_is_refused)
{
    zanni_error_t fault;
    size_t told = 0;
    cr_assert_eq (zanni_wire_decode (NULL, 0, count, &told, &fault), ZANNI_EARGS);
    cr_assert_str_eq (fault.text, "byte 0: the first record is no BATCH");
}

static void *
allocate_nothing (void *context, size_t size)
{
    (void) context;
    (void) size;
    return NULL;
}

static void *
resize_nothing (void *context, void *memory, size_t size)
{
    (void) context;
    (void) memory;
    (void) size;
    return NULL;
}

static void
release_nothing (void *context, void *memory)
{
    (void) context;
    (void) memory;
}

Test (frame, for_which_there_is_no_memory_is_an_error)
{
    static const zanni_allocator_t none = {
        .size = sizeof none, .allocate = allocate_nothing, .resize = resize_nothing, .release = release_nothing
    };
    uint8_t bytes [256];
    size_t told = 0;
    size_t used = fill_frame (bytes, sizeof bytes);
    zanni_set_allocator (&none);
    cr_assert_eq (zanni_wire_decode (bytes, used, count, &told, NULL), ZANNI_ENOMEM);
    zanni_set_allocator (NULL);
    cr_assert_eq (told, 0);
}
