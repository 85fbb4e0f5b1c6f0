/* What one actor sends to another arrives in that order, and all of it: several producers each count towards one
   consumer, which checks every number. Over the border of workers, of threads, and with a producer that owns its thread
   and waits for room. */

#include "stress.h"

#define S_PRODUCERS 3

typedef struct {
    int64_t next [S_PRODUCERS];
    int64_t wanted;
    int64_t open;
    zanni_ref_t *boss;
} consumer_t;

static int
s_take (zanni_t *self, zanni_msg_t *msg)
{
    consumer_t *consumer = zanni_state (self);
    int64_t producer, number;
    int rc = zanni_read (msg, &producer, &number);
    if (rc)
        return rc;
    STRESS_CHECK (consumer->next [producer] == number);
    if (++consumer->next [producer] == consumer->wanted && --consumer->open == 0)
        STRESS_OK (zanni_tell (self, consumer->boss, "done"));
    return 0;
}

static int
s_consumer_start (zanni_t *self, zanni_msg_t *msg)
{
    consumer_t *consumer = zanni_state (self);
    const zanni_ref_t *boss;
    int rc = zanni_read (msg, &boss, &consumer->wanted);
    consumer->open = S_PRODUCERS;
    return rc ? rc : zanni_ref_weak (self, &consumer->boss, boss);
}

static const zanni_method_t s_consumer_methods [] = {
    ZANNI_METHOD ("take", "xx", "", s_take, "One number of one producer."), ZANNI_METHOD_END
};
static const zanni_class_t s_consumer = {
    .name = "consumer", .state_size = sizeof (consumer_t), .methods = s_consumer_methods, .start_in = "rx",
    .start = s_consumer_start
};

typedef struct {
    zanni_ref_t *consumer;
    int64_t number;
    int64_t at;
    int64_t count;
} producer_t;

static int
s_produce (zanni_t *self)
{
    producer_t *producer = zanni_state (self);
    int rc = 0;
    while (!rc && producer->at < producer->count) {
        rc = zanni_tell (self, producer->consumer, "take", producer->number, producer->at);
        producer->at += !rc;
    }
    return rc == ZANNI_EFULL ? zanni_when_writable (self, producer->consumer, "room") : rc;
}

static int
s_read_start (zanni_t *self, zanni_msg_t *msg)
{
    producer_t *producer = zanni_state (self);
    const zanni_ref_t *consumer;
    int rc = zanni_read (msg, &consumer, &producer->number, &producer->count);
    return rc ? rc : zanni_ref_keep (self, &producer->consumer, consumer);
}

static int
s_room (zanni_t *self, zanni_msg_t *msg)
{
    (void) msg;
    return s_produce (self);
}

static int
s_producer_start (zanni_t *self, zanni_msg_t *msg)
{
    int rc = s_read_start (self, msg);
    return rc ? rc : s_produce (self);
}

static const zanni_method_t s_producer_methods [] = {
    ZANNI_PRIVATE ("room", "", "", s_room, "There is room again."), ZANNI_METHOD_END
};
static const zanni_class_t s_producer = {
    .name = "producer", .state_size = sizeof (producer_t), .methods = s_producer_methods, .start_in = "rxx",
    .start = s_producer_start
};

/* The same as a loop actor, which waits where the other is told. */
static int
s_patient_run (zanni_t *self)
{
    producer_t *producer = zanni_state (self);
    int rc = 0;
    for (; !rc && producer->at < producer->count; producer->at++)
        rc = zanni_tell_wait (self, producer->consumer, STRESS_WAIT_MS, "take", producer->number, producer->at);
    zanni_msg_t *msg = NULL;
    if (!rc)
        rc = zanni_receive (self, &msg, -1);
    zanni_msg_destroy (&msg);
    return rc == ZANNI_ECLOSED ? 0 : rc;
}

static const zanni_class_t s_patient = {
    .name = "patient", .state_size = sizeof (producer_t), .start_in = "rxx", .start = s_read_start, .run = s_patient_run
};
static const zanni_class_t *const s_classes [] = { &s_consumer, &s_producer, &s_patient, NULL };

static void
s_round (zanni_t *self, const char *class_name, const zanni_spawn_t *producers, const zanni_spawn_t *consumer,
         int64_t count)
{
    zanni_ref_t *refs [S_PRODUCERS] = { NULL };
    zanni_ref_t *sink = NULL;
    STRESS_OK (zanni_spawn (self, &sink, "consumer", consumer, zanni_self (self), count));
    for (int i = 0; i < S_PRODUCERS; i++)
        STRESS_OK (zanni_spawn (self, &refs [i], class_name, producers, sink, i, count));
    stress_await (self, "done");
    for (int i = 0; i < S_PRODUCERS; i++)
        zanni_ref_destroy (&refs [i]);
    zanni_ref_destroy (&sink);
}

int
main (int argc, char **argv)
{
    int64_t count = stress_count (argc, argv, STRESS_SLOW ? 60000 : 1000000, 10000000) / S_PRODUCERS;
    const zanni_spawn_t one = { .worker = 1 }, two = { .worker = 2, .mailbox_messages = 5000 };
    const zanni_spawn_t thread = { .place = ZANNI_THREAD, .mailbox_messages = 1000 };
    zanni_stats_t stats;
    zanni_t *self = NULL;
    STRESS_OK (zanni_init (s_classes));
    STRESS_OK (zanni_new (&self, &(zanni_options_t) { .workers = 2, .ask_deadline_ms = STRESS_WAIT_MS }));
    s_round (self, "producer", &one, &two, count);
    s_round (self, "producer", &one, &one, count);
    s_round (self, "producer", &thread, &thread, count);
    s_round (self, "patient", &thread, &thread, count);
    STRESS_OK (zanni_stats (self, &stats));
    STRESS_CHECK (stats.dead_letters == 0);
    STRESS_CHECK (stats.failed_tells == 0);
    STRESS_OK (zanni_destroy (&self));
    printf ("in order: 4 x %" PRId64 " messages\n", count * S_PRODUCERS);
    return 0;
}
