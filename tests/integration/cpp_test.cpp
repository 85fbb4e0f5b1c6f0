/* The C++17 face: a class, its handlers and its callers in C++, with arguments typed by overloads. */

#include <criterion/criterion.h>
#include <string>
#include <zanni.h>

namespace {

struct counter_t {
    int64_t total;
    zanni_promise_t *promise;
};

enum colour_t { RED = 1, GREEN = 2 };

int
counter_start (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_read (msg, &static_cast<counter_t *> (zanni_state (self))->total);
}

int
counter_add (zanni_t *self, zanni_msg_t *msg)
{
    auto *counter = static_cast<counter_t *> (zanni_state (self));
    int64_t number = 0;
    int rc = zanni_read (msg, &number);
    if (rc)
        return rc;
    counter->total += number;
    return zanni_msg_kind (msg) == ZANNI_MSG_ASK ? zanni_reply (self, msg, counter->total) : 0;
}

int
counter_get (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_reply (self, msg, static_cast<counter_t *> (zanni_state (self))->total);
}

/* Answers everything that it gets, one value at a time. */
int
counter_echo (zanni_t *self, zanni_msg_t *msg)
{
    bool yes = false;
    unsigned char byte = 0;
    int number = 0;
    unsigned word = 0;
    long wide = 0;
    unsigned long long huge = 0;
    double real = 0;
    const char *text = nullptr;
    zanni_bytes_t bytes = {};
    const zanni_ref_t *ref = nullptr;
    int rc = zanni_read (msg, &yes, &byte, &number, &word, &wide, &huge, &real, &text, &bytes, &ref);
    if (rc)
        return rc;
    return zanni_reply (self, msg, yes, byte, number, word, wide, huge, real, text, bytes, ref);
}

int
counter_sum (zanni_t *self, zanni_msg_t *msg)
{
    size_t count = 0;
    int64_t sum = 0;
    int rc = zanni_enter (msg, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        size_t fields = 0;
        const char *name = nullptr;
        int64_t number = 0;
        rc = zanni_enter (msg, &fields);
        if (!rc)
            rc = zanni_read (msg, &name, &number);
        if (!rc)
            rc = zanni_leave (msg);
        sum += number;
    }
    return rc ? rc : zanni_reply (self, msg, sum);
}

int
counter_refuse (zanni_t *self, zanni_msg_t *msg)
{
    return zanni_fail (self, msg, 7, "not today", "tomorrow", 3);
}

int
counter_tick (zanni_t *self, zanni_msg_t *msg)
{
    auto *counter = static_cast<counter_t *> (zanni_state (self));
    int64_t number = 0;
    int rc = zanni_read (msg, &number);
    return rc ? rc : zanni_promise_reply (self, &counter->promise, number);
}

int
counter_later (zanni_t *self, zanni_msg_t *msg)
{
    auto *counter = static_cast<counter_t *> (zanni_state (self));
    uint64_t timer = 0;
    int rc = zanni_promise_new (self, &counter->promise, msg);
    return rc ? rc : zanni_timer (self, &timer, 1, 0, "tick", 42);
}

struct point_t {
    double x;
    unsigned char color [3];
    int corners [2];
    char name [8];
    bool visible;
};

const zanni_field_t point_fields [] = {
    ZANNI_FIELD (point_t, x), ZANNI_FIELD (point_t, color), ZANNI_FIELD (point_t, corners), ZANNI_FIELD (point_t, name),
    ZANNI_FIELD (point_t, visible), ZANNI_FIELD_END
};
const zanni_type_t point = { "point", 1, sizeof (point_t), point_fields, nullptr, nullptr, nullptr, nullptr, 0, 0 };

int
counter_move (zanni_t *self, zanni_msg_t *msg)
{
    const point_t *from = nullptr;
    double by = 0;
    int rc = zanni_read (msg, ZANNI_INTO (&point, &from), &by);
    if (rc)
        return rc;
    point_t to = *from;
    to.x += by;
    to.corners [1] = -7;
    return zanni_reply (self, msg, ZANNI_OBJECT (&point, &to));
}

int
counter_item (zanni_t *self, zanni_stream_t *stream, zanni_msg_t *msg)
{
    (void) stream;
    return counter_add (self, msg);
}

int
counter_take (zanni_t *self, zanni_msg_t *msg)
{
    zanni_inlet_t inlet = {};
    inlet.item = counter_item;
    return zanni_stream_take (self, msg, &inlet);
}

const zanni_method_t counter_methods [] = {
    ZANNI_STREAM ("take", counter_take, "Adds numbers."),
    ZANNI_METHOD ("move", "od", "o", counter_move, "Answers a point that was moved."),
    ZANNI_METHOD ("add", "x", "x", counter_add, "Add a number; answers the new total."),
    ZANNI_METHOD ("get", "", "x", counter_get, "Answers the total."),
    ZANNI_METHOD ("echo", "byiuxtdsayr", "byiuxtdsayr", counter_echo, "Answers what it got."),
    ZANNI_METHOD ("sum", "a(sx)", "x", counter_sum, "Answers the sum of named numbers."),
    ZANNI_METHOD ("refuse", "", "", counter_refuse, "Answers an error."),
    ZANNI_METHOD ("later", "", "x", counter_later, "Answers 42, later."),
    ZANNI_PRIVATE ("tick", "x", "", counter_tick, "Keeps the promise."),
    ZANNI_METHOD_END
};
const zanni_property_t counter_properties [] = {
    ZANNI_PROPERTY (counter_t, total, ZANNI_PROPERTY_READ_ONLY, "What was added."), ZANNI_PROPERTY_END
};
const zanni_class_t counter_class = {
    "counter", nullptr, sizeof (counter_t), counter_methods, "x", counter_start, nullptr, nullptr, nullptr, "Counts.", 0,
    counter_properties, nullptr
};
const zanni_class_t *const classes [] = { &counter_class, nullptr };

zanni_t *self;
zanni_ref_t *counter;

zanni_spawn_t
here ()
{
    zanni_spawn_t options = {};
    options.place = ZANNI_HERE;
    return options;
}

void
begin ()
{
    zanni_spawn_t options = here ();
    cr_assert_eq (zanni_init (classes), 0);
    cr_assert_eq (zanni_new (&self, nullptr), 0);
    cr_assert_eq (zanni_spawn (self, &counter, "counter", &options, 100), 0);
}

void
end ()
{
    zanni_ref_destroy (&counter);
    cr_assert_eq (zanni_destroy (&self), 0);
}

int64_t
total_of (const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    int64_t total = 0;
    cr_assert_eq (zanni_call (self, &reply, ref, "get"), 0);
    cr_assert_eq (zanni_read (reply, &total), 0);
    return total;
}

void
note_end (zanni_t *, zanni_stream_t *stream, const zanni_error_t *error)
{
    *static_cast<int *> (zanni_stream_data (stream)) = error ? error->code : 1;
}

void
keep_total (zanni_t *, zanni_msg_t *reply, void *total)
{
    cr_assert_eq (zanni_read (reply, static_cast<int64_t *> (total)), 0);
}

}

TestSuite (cpp, .init = begin, .fini = end);

Test (cpp, tags_each_argument_by_its_type)
{
    const zanni_ref_t *ref = nullptr;
    const zanni_buffer_t *buffer = nullptr;
    zanni_bound_t bound = {};
    char letters [] = "text";
    cr_assert_eq (zanni_arg (true).tag, ZANNI_ARG_BOOL);
    cr_assert_eq (zanni_arg ('a').tag, ZANNI_ARG_INT);
    cr_assert_eq (zanni_arg (short (1)).tag, ZANNI_ARG_INT);
    cr_assert_eq (zanni_arg (-1).value.i, -1);
    cr_assert_eq (zanni_arg (uint8_t (1)).tag, ZANNI_ARG_UINT);
    cr_assert_eq (zanni_arg (UINT64_MAX).value.u, UINT64_MAX);
    cr_assert_eq (zanni_arg (1.5f).tag, ZANNI_ARG_DOUBLE);
    cr_assert_eq (zanni_arg (1.5).tag, ZANNI_ARG_DOUBLE);
    cr_assert_eq (zanni_arg ("text").tag, ZANNI_ARG_STRING);
    cr_assert_eq (zanni_arg (letters).tag, ZANNI_ARG_STRING);
    cr_assert_eq (zanni_arg (std::string ("text").c_str ()).tag, ZANNI_ARG_STRING);
    cr_assert_eq (zanni_arg (ref).tag, ZANNI_ARG_REF);
    cr_assert_eq (zanni_arg (counter).tag, ZANNI_ARG_REF);
    cr_assert_eq (zanni_arg (buffer).tag, ZANNI_ARG_BUFFER);
    cr_assert_eq (zanni_arg (&bound).tag, ZANNI_ARG_BOUND);
    cr_assert_eq (zanni_arg (zanni_bytes_t {}).tag, ZANNI_ARG_BYTES);
    cr_assert_eq (zanni_arg (zanni_packed_t {}).tag, ZANNI_ARG_PACKED);
    cr_assert_eq (zanni_arg (zanni_arg_int (1)).tag, ZANNI_ARG_INT);
    cr_assert_eq (zanni_arg (ZANNI_LIST (1, "two")).tag, ZANNI_ARG_LIST);
    cr_assert_eq (zanni_arg (ZANNI_LIST (1, "two")).size, 2);
    cr_assert_eq (zanni_arg (RED).value.u, RED);
}

Test (cpp, spawns_and_calls)
{
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    int64_t total = 0;
    cr_assert_eq (zanni_call (self, &reply, counter, "add", 5), 0);
    cr_assert_eq (zanni_read (reply, &total), 0);
    cr_assert_eq (total, 105);
}

Test (cpp, passes_every_type_there_and_back)
{
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    const zanni_bytes_t sent = { "\0\1", 2 };
    cr_assert_eq (zanni_call (self, &reply, counter, "echo", true, uint8_t (255), -5, 5u, INT64_MIN, UINT64_MAX, 1.5,
                              "text", sent, counter), 0);
    bool yes = false;
    uint8_t byte = 0;
    int32_t number = 0;
    uint32_t word = 0;
    int64_t wide = 0;
    uint64_t huge = 0;
    double real = 0;
    const char *text = nullptr;
    zanni_bytes_t bytes = {};
    const zanni_ref_t *ref = nullptr;
    cr_assert_eq (zanni_read (reply, &yes, &byte, &number, &word, &wide, &huge, &real, &text, &bytes, &ref), 0);
    cr_assert (yes && byte == 255 && number == -5 && word == 5 && wide == INT64_MIN && huge == UINT64_MAX);
    cr_assert_eq (real, 1.5);
    cr_assert_str_eq (text, "text");
    cr_assert_arr_eq (bytes.data, sent.data, 2);
    cr_assert (zanni_ref_equal (ref, counter));
}

Test (cpp, writes_lists_in_place)
{
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    int64_t sum = 0;
    cr_assert_eq (zanni_call (self, &reply, counter, "sum", ZANNI_LIST (ZANNI_LIST ("one", 1), ZANNI_LIST ("two", 2))),
                  0);
    cr_assert_eq (zanni_read (reply, &sum), 0);
    cr_assert_eq (sum, 3);
}

Test (cpp, appends_to_lists)
{
    ZANNI_AUTO (zanni_list_t) list = nullptr;
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    int64_t sum = 0;
    cr_assert_eq (zanni_list_new (&list), 0);
    for (int i = 0; i < 100; i++)
        cr_assert_eq (zanni_list_append (list, ZANNI_LIST ("one", i)), 0);
    cr_assert_eq (zanni_call (self, &reply, counter, "sum", zanni_list_arg (list)), 0);
    cr_assert_eq (zanni_read (reply, &sum), 0);
    cr_assert_eq (sum, 4950);
}

Test (cpp, takes_more_arguments_than_a_macro)
{
    const auto items = ZANNI_LIST (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
    cr_assert_eq (zanni_arg (items).size, 20);
}

Test (cpp, sends_registered_types)
{
    static_assert (zanni_kind (static_cast<double *> (nullptr)) == ZANNI_KIND_DOUBLE, "");
    const point_t from = { 1.5, { 1, 2, 3 }, { 4, 5 }, "seven", true };
    const point_t *to = nullptr;
    const zanni_object_t *object = nullptr;
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    cr_assert_eq (zanni_call (self, &reply, counter, "move", ZANNI_OBJECT (&point, &from), 2), 0);
    cr_assert_eq (zanni_read (reply, ZANNI_INTO (&point, &to)), 0);
    cr_assert (to->x == 3.5 && to->color [2] == 3 && to->corners [1] == -7 && to->visible);
    cr_assert_str_eq (to->name, "seven");
    zanni_rewind (reply);
    cr_assert_eq (zanni_read (reply, &object), 0);
    cr_assert_str_eq (zanni_object_name (object), "point");
}

Test (cpp, tells_and_waits_for_room)
{
    cr_assert_eq (zanni_tell (self, counter, "add", 1), 0);
    cr_assert_eq (zanni_tell_wait (self, counter, 1000, "add", 2), 0);
    cr_assert_eq (total_of (counter), 103);
}

Test (cpp, tells_many)
{
    zanni_spawn_t options = here ();
    ZANNI_AUTO (zanni_ref_t) other = nullptr;
    int results [2] = { 1, 1 };
    cr_assert_eq (zanni_spawn (self, &other, "counter", &options, 0), 0);
    const zanni_ref_t *both [] = { counter, other };
    cr_assert_eq (zanni_send_all (self, both, 2, results, "add", 3), 2);
    cr_assert (results [0] == 0 && results [1] == 0);
    cr_assert_eq (total_of (counter), 103);
    cr_assert_eq (total_of (other), 3);
}

Test (cpp, asks_with_a_callback)
{
    int64_t total = 0;
    zanni_ask_t options = {};
    options.then = keep_total;
    options.arg = &total;
    cr_assert_eq (zanni_ask (self, counter, &options, "add", 11), 0);
    for (int i = 0; i < 100 && !total; i++)
        cr_assert_geq (zanni_step (self, 100), 0);
    cr_assert_eq (total, 111);
}

Test (cpp, shares_a_queue_and_a_list)
{
    ZANNI_AUTO (zanni_ref_t) queue = nullptr;
    ZANNI_AUTO (zanni_ref_t) list = nullptr;
    ZANNI_AUTO (zanni_msg_t) item = nullptr;
    int64_t number = 0;
    const char *text = "";
    cr_assert_eq (zanni_spawn (self, &queue, "zanni.queue", nullptr, 1), 0);
    cr_assert_eq (zanni_spawn (self, &list, "zanni.list", nullptr), 0);
    cr_assert_eq (zanni_queue_put (self, queue, 0, "one"), 0);
    cr_assert_eq (zanni_queue_put (self, queue, 0, 2), ZANNI_ETIMEOUT);
    cr_assert_eq (zanni_wait_call (self, &item, queue, nullptr, 1000, "get"), 0);
    cr_assert_eq (zanni_read (item, &text), 0);
    cr_assert_str_eq (text, "one");
    cr_assert_eq (zanni_wait_call (self, nullptr, queue, nullptr, 1000, "put", 3), 0);
    zanni_msg_destroy (&item);
    cr_assert_eq (zanni_wait_ask (self, queue, nullptr, 1000, "get"), 0);
    cr_assert_eq (zanni_receive (self, &item, 10000), 0);
    cr_assert_eq (zanni_read (item, &number), 0);
    cr_assert_eq (number, 3);
}

Test (cpp, pushes_to_a_stream)
{
    ZANNI_AUTO (zanni_stream_t) stream = nullptr;
    int ended = 0;
    zanni_stream_options_t options = {};
    options.ended = note_end;
    options.data = &ended;
    options.overflow = ZANNI_DROP_NEWEST;
    cr_assert_eq (zanni_stream_open (self, &stream, counter, &options, "take"), 0);
    cr_assert_eq (zanni_push (self, stream, 20), 0);
    cr_assert_eq (zanni_push (self, stream, 3), 0);
    cr_assert_eq (zanni_stream_end (self, stream), 0);
    for (int i = 0; i < 100 && !ended; i++)
        cr_assert_geq (zanni_step (self, 100), 0);
    cr_assert_eq (ended, 1);
    cr_assert_eq (total_of (counter), 123);
}

Test (cpp, chains_two_actors)
{
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    int64_t total = 0;
    const zanni_bound_t then = { counter, "add" };
    cr_assert_eq (zanni_call (self, &reply, counter, "zanni.chain", &then, "add", ZANNI_LIST (1)), 0);
    cr_assert_eq (zanni_read (reply, &total), 0);
    cr_assert_eq (total, 202);
}

Test (cpp, gets_an_error_with_its_text)
{
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    zanni_error_t error = {};
    zanni_ask_t options = {};
    options.error = &error;
    cr_assert_eq (zanni_call_with (self, &reply, counter, &options, "refuse"), ZANNI_EAPP);
    cr_assert_eq (error.app_code, 7);
    cr_assert_str_eq (error.text, "not today");
    const char *when = nullptr;
    int days = 0;
    cr_assert_not_null (error.data);
    cr_assert_eq (zanni_read (error.data, &when, &days), 0);
    cr_assert_str_eq (when, "tomorrow");
    cr_assert_eq (days, 3);
    zanni_error_reset (&error);
}

Test (cpp, keeps_a_promise_on_a_timer)
{
    ZANNI_AUTO (zanni_msg_t) reply = nullptr;
    int64_t answer = 0;
    cr_assert_eq (zanni_call (self, &reply, counter, "later"), 0);
    cr_assert_eq (zanni_read (reply, &answer), 0);
    cr_assert_eq (answer, 42);
}

Test (cpp, serves_a_class)
{
    cr_assert_eq (zanni_serve (self, "counter", 5), 0);
    cr_assert_eq (static_cast<counter_t *> (zanni_state (self))->total, 5);
}

namespace {

int
add_one (void *left, zanni_msg_t **msg_p)
{
    auto *count = static_cast<int64_t *> (left);
    return (*count)-- > 0 ? zanni_msg_new (self, msg_p, "add", 1) : 0;
}

int
pass_over (void *, uint64_t, int rc, zanni_msg_t *)
{
    return rc;
}

}

Test (cpp, maps_over_a_pool)
{
    zanni_spawn_t place = here ();
    ZANNI_AUTO (zanni_ref_t) pool = nullptr;
    int64_t left = 10;
    zanni_pool_options_t options = {};
    options.workers = 1;
    options.spawn = &place;
    zanni_map_t map = {};
    map.next = add_one;
    map.done = pass_over;
    map.closure = &left;
    cr_assert_eq (zanni_pool (self, &pool, "counter", &options, 5), 0);
    cr_assert_eq (zanni_map (self, pool, &map), 0);
    cr_assert_eq (total_of (pool), 15);
}
