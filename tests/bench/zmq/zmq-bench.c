/*  zmq-bench: what raw libzmq reaches, for comparison with zanni.

    `zmq-bench [--quick] CASE` prints `CASE VALUE UNIT`. Every message has two
    frames, as a message of zanni between workers would have without batching:
    a header of 32 bytes, which libzmq keeps inside zmq_msg_t (up to 33 bytes
    it does), and a body of 64 bytes, which is written anew for every message.

    A case is one row of s_cases: a function and the pair of sockets and the
    endpoint that it runs on. Another transport is another row; another
    pattern is another function. A case runs with a growing number of messages
    until one run is long enough to be trusted; the earlier runs warm up.

    One-way cases count arrivals. The sender closes with a message that says
    how many it sent, so that a lost message is an error and not a hang.

    Where the endpoint is not inproc the far side is a process, forked before
    there is a context. ipc is in a new folder of mode 0700, which libzmq makes
    for a wildcard and removes when the socket is closed; tcp is at a free port
    of 127.0.0.1. With CURVE both sides have one key pair, made before the fork;
    nobody looks at the keys (ZAP), which is for connecting only.
    One connection serves all runs of a case: the near side asks for so many
    messages and measures until the last has arrived, so that neither fork nor
    connecting is measured. A large body is one region, filled before and sent
    again and again without a copy (zmq_msg_init_data); the receiver looks at
    one byte of every page. zanni's side does the same: a buffer that is sent
    by reference, and a look at each page.

    PAIR at both ends is as fast as any: PUSH/PULL and DEALER/DEALER have a
    load balancer and a fair queue on top of the same pipe. High-water marks
    below or above the default of 1000 were no faster. The threads are not
    pinned, as those of a program that uses libzmq are not.  */

#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    HEADER_SIZE = 32,
    BODY_SIZE = 64,
    WARM_UP_ROUND_TRIPS = 1000,
    MAX_GROWTH = 50,
    PAGE = 4096,
    FILL = 0x5a,
    ENDPOINT_SIZE = 256,
    KEY_SIZE = 41,              // as text
    FAR_PATIENCE_MS = 30000     // a far process that died is no hang
};

static const uint64_t END_MARK = UINT64_MAX;

typedef struct s_case s_case_t;

struct s_case {
    const char *name;
    const char *unit;
    double (*run) (const s_case_t *self, double target_s);
    void *(*far) (void *stage); // the other thread, or process
    int near_type;              // the socket of the program's own thread
    int far_type;               // the socket of the other side
    const char *endpoint;       // not inproc: the far side is a process
    size_t region_size;         // of a body that is sent without a copy; or 0
    bool bare;                  // no header before such a body
    uint64_t first;             // of a process: messages of the first run
    bool curve;                 // encrypted
};

typedef struct {
    uint64_t sequence;          // END_MARK in the last message
    uint64_t sent;              // in the last message: how many came before
    uint8_t rest [HEADER_SIZE - 16];
} s_header_t;

//  What the two threads of a run share; only `thread` and `socket` are the
//  near thread's own. Of two processes each has one of its own.
typedef struct {
    const s_case_t *bench;
    void *context;
    void *socket;
    pthread_t thread;
    pid_t process;
    uint64_t count;             // one-way: how many messages to send
    char endpoint [ENDPOINT_SIZE];
    char public_key [KEY_SIZE];
    char secret_key [KEY_SIZE];
} s_stage_t;

static void
s_die (const char *what)
{
    fprintf (stderr, "zmq-bench: %s: %s\n", what, zmq_strerror (errno));
    exit (EXIT_FAILURE);
}

static void
s_check (bool good, const char *what)
{
    if (!good)
        s_die (what);
}

static double
s_now_s (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

static void *
s_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    s_check (socket != NULL, "zmq_socket");
    return socket;
}

static void
s_send_frame (void *socket, const void *data, size_t size, int flags)
{
    zmq_msg_t frame;
    s_check (zmq_msg_init_size (&frame, size) == 0, "zmq_msg_init_size");
    memcpy (zmq_msg_data (&frame), data, size);
    s_check (zmq_msg_send (&frame, socket, flags) >= 0, "zmq_msg_send");
}

static void
s_send (void *socket, const s_header_t *header)
{
    uint8_t body [BODY_SIZE];
    memset (body, (int) (header->sequence & 0xff), sizeof body);
    s_send_frame (socket, header, sizeof *header, ZMQ_SNDMORE);
    s_send_frame (socket, body, sizeof body, 0);
}

static void
s_receive_frame (void *socket, zmq_msg_t *frame, size_t size, bool more)
{
    s_check (zmq_msg_recv (frame, socket, 0) >= 0, "zmq_msg_recv");
    if (zmq_msg_size (frame) != size || (bool) zmq_msg_more (frame) != more) {
        fprintf (stderr, "zmq-bench: a message of another shape arrived\n");
        exit (EXIT_FAILURE);
    }
}

//  Receives one message into two frames that the caller reuses.
static void
s_receive (void *socket, zmq_msg_t frames [2], s_header_t *header)
{
    s_receive_frame (socket, &frames [0], HEADER_SIZE, true);
    s_receive_frame (socket, &frames [1], BODY_SIZE, false);
    memcpy (header, zmq_msg_data (&frames [0]), sizeof *header);
}

static void
s_frames_init (zmq_msg_t frames [2])
{
    zmq_msg_init (&frames [0]);
    zmq_msg_init (&frames [1]);
}

static void
s_frames_close (zmq_msg_t frames [2])
{
    zmq_msg_close (&frames [0]);
    zmq_msg_close (&frames [1]);
}

static void
s_set (void *socket, int option, const void *value, size_t size)
{
    s_check (zmq_setsockopt (socket, option, value, size) == 0,
             "zmq_setsockopt");
}

//  The near side, which binds, is CURVE's server.
static void
s_secure (const s_stage_t *stage, void *socket, bool server)
{
    const int on = 1;
    if (!stage->bench->curve)
        return;
    s_set (socket, ZMQ_CURVE_SECRETKEY, stage->secret_key, KEY_SIZE);
    if (server) {
        s_set (socket, ZMQ_CURVE_SERVER, &on, sizeof on);
        return;
    }
    s_set (socket, ZMQ_CURVE_PUBLICKEY, stage->public_key, KEY_SIZE);
    s_set (socket, ZMQ_CURVE_SERVERKEY, stage->public_key, KEY_SIZE);
}

static void *
s_connected (const s_stage_t *stage)
{
    void *socket = s_socket (stage->context, stage->bench->far_type);
    s_secure (stage, socket, false);
    s_check (zmq_connect (socket, stage->endpoint) == 0, "zmq_connect");
    return socket;
}

//  The far thread of the one-way cases.
static void *
s_sender (void *argument)
{
    const s_stage_t *stage = argument;
    void *socket = s_connected (stage);

    s_header_t header = { 0 };
    for (; header.sequence < stage->count; header.sequence++)
        s_send (socket, &header);
    header.sent = header.sequence;
    header.sequence = END_MARK;
    s_send (socket, &header);
    zmq_close (socket);
    return NULL;
}

//  The far thread of the ask cases: sends back what it gets, until the end.
static void *
s_echo (void *argument)
{
    const s_stage_t *stage = argument;
    void *socket = s_connected (stage);

    zmq_msg_t frames [2];
    s_header_t header = { 0 };
    s_frames_init (frames);
    while (header.sequence != END_MARK) {
        s_receive (socket, frames, &header);
        s_send (socket, &header);
    }
    s_frames_close (frames);
    zmq_close (socket);
    return NULL;
}

static void
s_count_arrivals (void *socket, uint64_t count)
{
    zmq_msg_t frames [2];
    s_header_t header;
    uint64_t arrived = 0;
    s_frames_init (frames);
    s_receive (socket, frames, &header);
    while (header.sequence != END_MARK) {
        arrived++;
        s_receive (socket, frames, &header);
    }
    s_frames_close (frames);
    if (header.sent != count || arrived != count) {
        fprintf (stderr, "zmq-bench: sent %" PRIu64 ", received %" PRIu64 "\n",
                 header.sent, arrived);
        exit (EXIT_FAILURE);
    }
}

static void
s_context_new (s_stage_t *stage)
{
    stage->context = zmq_ctx_new ();
    s_check (stage->context != NULL, "zmq_ctx_new");
}

//  The far process: learns the endpoint by the pipe, and ends with its parent.
static _Noreturn void
s_be_far (s_stage_t *stage, int pipe_fd)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    ssize_t size = read (pipe_fd, stage->endpoint, sizeof stage->endpoint);
    s_check (size == sizeof stage->endpoint, "no endpoint");
    s_context_new (stage);
    stage->bench->far (stage);
    zmq_ctx_term (stage->context);
    _exit (EXIT_SUCCESS);
}

//  Forks, answers the end of the pipe that tells the endpoint.
static int
s_fork (s_stage_t *stage)
{
    int fds [2];
    s_check (pipe (fds) == 0, "pipe");
    stage->process = fork ();
    s_check (stage->process >= 0, "fork");
    if (stage->process == 0)
        s_be_far (stage, fds [0]);
    close (fds [0]);
    return fds [1];
}

//  libzmq puts the socket's folder where TMPDIR says; else where we are.
static void
s_bind (s_stage_t *stage)
{
    size_t size = sizeof stage->endpoint;
    const int patience_ms = stage->process ? FAR_PATIENCE_MS : -1;
    setenv ("TMPDIR", "/tmp", 0);
    stage->socket = s_socket (stage->context, stage->bench->near_type);
    s_set (stage->socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    s_secure (stage, stage->socket, true);
    s_check (zmq_bind (stage->socket, stage->bench->endpoint) == 0, "zmq_bind");
    s_check (zmq_getsockopt (stage->socket, ZMQ_LAST_ENDPOINT, stage->endpoint,
                             &size) == 0, "ZMQ_LAST_ENDPOINT");
}

static bool
s_is_process (const s_case_t *bench)
{
    return strncmp (bench->endpoint, "inproc:", 7) != 0;
}

//  Binds the near socket and starts the far thread or process, which connects
//  to it.
static void
s_stage_open (s_stage_t *stage, const s_case_t *bench, uint64_t count)
{
    *stage = (s_stage_t) { .bench = bench, .count = count };
    if (bench->curve)
        s_check (zmq_curve_keypair (stage->public_key, stage->secret_key) == 0,
                 "zmq_curve_keypair");
    int pipe_fd = s_is_process (bench) ? s_fork (stage) : -1;
    s_context_new (stage);
    s_bind (stage);
    if (pipe_fd < 0) {
        errno = pthread_create (&stage->thread, NULL, bench->far, stage);
        s_check (errno == 0, "pthread_create");
        return;
    }
    ssize_t size = write (pipe_fd, stage->endpoint, sizeof stage->endpoint);
    s_check (size == sizeof stage->endpoint, "write");
    close (pipe_fd);
}

static void
s_stage_close (s_stage_t *stage)
{
    int status = 0;
    if (stage->process > 0)
        waitpid (stage->process, &status, 0);
    else
        pthread_join (stage->thread, NULL);
    zmq_close (stage->socket);
    zmq_ctx_term (stage->context);
    errno = ECHILD;
    s_check (status == 0, "the far process failed");
}

static double
s_one_way_once (const s_case_t *self, uint64_t count)
{
    s_stage_t stage;
    double started_s = s_now_s ();
    s_stage_open (&stage, self, count);
    s_count_arrivals (stage.socket, count);
    double elapsed_s = s_now_s () - started_s;
    s_stage_close (&stage);
    return elapsed_s;
}

static double
s_one_way (const s_case_t *self, double target_s)
{
    uint64_t count = 10000;
    double elapsed_s = s_one_way_once (self, count);
    while (elapsed_s < target_s * 0.7) {
        double growth = target_s / elapsed_s;
        if (growth > MAX_GROWTH)
            growth = MAX_GROWTH;
        count = (uint64_t) ((double) count * growth);
        elapsed_s = s_one_way_once (self, count);
    }
    return (double) count / elapsed_s;
}

static void
s_keep (void *data, void *hint)
{
    (void) data, (void) hint;
}

//  A message with the region as its body, which stays where it is.
static void
s_send_region (void *socket, const s_stage_t *stage, const s_header_t *header,
               void *region)
{
    zmq_msg_t frame;
    if (!stage->bench->bare)
        s_send_frame (socket, header, sizeof *header, ZMQ_SNDMORE);
    s_check (zmq_msg_init_data (&frame, region, stage->bench->region_size,
                                s_keep, NULL) == 0, "zmq_msg_init_data");
    s_check (zmq_msg_send (&frame, socket, 0) >= 0, "zmq_msg_send");
}

//  The far process of the one-way cases: sends so many messages whenever it
//  is asked to, and how many they were, until it is asked for END_MARK.
static void *
s_pourer (void *argument)
{
    const s_stage_t *stage = argument;
    const size_t size = stage->bench->region_size;
    void *socket = s_connected (stage);
    void *region = size ? malloc (size) : NULL;
    zmq_msg_t frame;
    s_header_t header;
    s_check (!size || region, "malloc");
    if (region)
        memset (region, FILL, size);
    zmq_msg_init (&frame);
    for (;;) {
        s_receive_frame (socket, &frame, sizeof header, false);
        memcpy (&header, zmq_msg_data (&frame), sizeof header);
        uint64_t count = header.sent;
        if (count == END_MARK)
            break;
        for (header.sequence = 0; header.sequence < count; header.sequence++)
            if (region)
                s_send_region (socket, stage, &header, region);
            else
                s_send (socket, &header);
        header.sequence = END_MARK;
        s_send_frame (socket, &header, sizeof header, 0);
    }
    zmq_msg_close (&frame);
    zmq_close (socket);   // waits until the last was sent, so the region
    return NULL;          // stays: the process ends with it
}

//  The body of a message, of the size that the case says.
static void
s_check_body (const s_stage_t *stage, zmq_msg_t *frame)
{
    const size_t size = stage->bench->region_size;
    const uint8_t *data = zmq_msg_data (frame);
    bool good = zmq_msg_size (frame) == (size ? size : BODY_SIZE);
    for (size_t i = 0; good && i < size; i += PAGE)
        good = data [i] == FILL;
    if (!good || zmq_msg_more (frame)) {
        fprintf (stderr, "zmq-bench: a message of another shape arrived\n");
        exit (EXIT_FAILURE);
    }
}

//  Receives until a message is a header alone: that is the last.
static uint64_t
s_count_poured (const s_stage_t *stage, zmq_msg_t frames [2])
{
    uint64_t arrived = 0;
    for (;; arrived++) {
        zmq_msg_t *frame = &frames [0];
        s_check (zmq_msg_recv (frame, stage->socket, 0) >= 0, "zmq_msg_recv");
        if (zmq_msg_size (frame) == HEADER_SIZE) {
            if (!zmq_msg_more (frame))
                return arrived;
            frame = &frames [1];
            s_check (zmq_msg_recv (frame, stage->socket, 0) >= 0,
                     "zmq_msg_recv");
        }
        s_check_body (stage, frame);
    }
}

static double
s_pour_once (const s_stage_t *stage, uint64_t count)
{
    const s_header_t header = { .sent = count };
    zmq_msg_t frames [2];
    s_frames_init (frames);
    double started_s = s_now_s ();
    s_send_frame (stage->socket, &header, sizeof header, 0);
    uint64_t arrived = s_count_poured (stage, frames);
    double elapsed_s = s_now_s () - started_s;
    s_frames_close (frames);
    if (arrived != count) {
        fprintf (stderr, "zmq-bench: sent %" PRIu64 ", received %" PRIu64 "\n",
                 count, arrived);
        exit (EXIT_FAILURE);
    }
    return elapsed_s;
}

static double
s_process_one_way (const s_case_t *self, double target_s)
{
    const s_header_t end = { .sent = END_MARK };
    s_stage_t stage;
    uint64_t count = self->first;
    s_stage_open (&stage, self, 0);
    double elapsed_s = s_pour_once (&stage, count);
    while (elapsed_s < target_s * 0.7) {
        double growth = target_s / elapsed_s;
        count = 1 + (uint64_t) ((double) count
                                * (growth > MAX_GROWTH ? MAX_GROWTH : growth));
        elapsed_s = s_pour_once (&stage, count);
    }
    s_send_frame (stage.socket, &end, sizeof end, 0);
    s_stage_close (&stage);
    return (double) count / elapsed_s;
}

static int
s_compare_doubles (const void *one, const void *other)
{
    double left = *(const double *) one;
    double right = *(const double *) other;
    return (left > right) - (left < right);
}

static double
s_round_trip (void *socket, zmq_msg_t frames [2], s_header_t *header)
{
    double started_s = s_now_s ();
    s_send (socket, header);
    s_receive (socket, frames, header);
    return s_now_s () - started_s;
}

//  The median round trip in microseconds.
static double
s_ask_median_us (void *socket, double target_s)
{
    enum { MAX_SAMPLES = 1 << 20 };
    double *samples_s = malloc (MAX_SAMPLES * sizeof *samples_s);
    s_check (samples_s != NULL, "malloc");
    zmq_msg_t frames [2];
    s_header_t header = { 0 };
    size_t samples = 0;
    s_frames_init (frames);
    for (; header.sequence < WARM_UP_ROUND_TRIPS; header.sequence++)
        s_round_trip (socket, frames, &header);
    double end_s = s_now_s () + target_s;
    while (samples < MAX_SAMPLES && s_now_s () < end_s) {
        samples_s [samples++] = s_round_trip (socket, frames, &header);
        header.sequence++;
    }
    header.sequence = END_MARK;
    s_round_trip (socket, frames, &header);
    s_frames_close (frames);
    qsort (samples_s, samples, sizeof *samples_s, s_compare_doubles);
    double median_us = 1e6 * samples_s [samples / 2];
    free (samples_s);
    return median_us;
}

static double
s_ask (const s_case_t *self, double target_s)
{
    s_stage_t stage;
    s_stage_open (&stage, self, 0);
    double median_us = s_ask_median_us (stage.socket, target_s);
    s_stage_close (&stage);
    return median_us;
}

static const s_case_t s_cases [] = {
    { "crossworker", "/s", s_one_way, s_sender,
      ZMQ_PAIR, ZMQ_PAIR, "inproc://one-way", 0, false, 0, false },
    { "crossworker-ask", "us", s_ask, s_echo,
      ZMQ_PAIR, ZMQ_PAIR, "inproc://ask", 0, false, 0, false },
    { "process-tell", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "ipc://*", 0, false, 10000, false },
    { "process-ask", "us", s_ask, s_echo,
      ZMQ_PAIR, ZMQ_PAIR, "ipc://*", 0, false, 0, false },
    { "process-buffer", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "ipc://*", (size_t) 1 << 20, false, 50, false },
    { "process-big", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "ipc://*", (size_t) 64 << 20, true, 2, false },
    { "lane-tell", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "ipc://*", 0, false, 10000, false },
    { "lane-ask", "us", s_ask, s_echo,
      ZMQ_PAIR, ZMQ_PAIR, "ipc://*", 0, false, 0, false },
    { "tcp-tell", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*", 0, false, 10000, false },
    { "tcp-tell-curve", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*", 0, false, 10000, true },
    { "tcp-ask", "us", s_ask, s_echo,
      ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*", 0, false, 0, false },
    { "tcp-buffer", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*", (size_t) 1 << 20, false, 50, false },
    { "tcp-buffer-curve", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*", (size_t) 1 << 20, false, 50, true },
    { "tcp-big", "/s", s_process_one_way, s_pourer,
      ZMQ_PAIR, ZMQ_PAIR, "tcp://127.0.0.1:*", (size_t) 64 << 20, true, 2, false }
};

int
main (int argc, char **argv)
{
    bool quick = argc > 1 && strcmp (argv [1], "--quick") == 0;
    const char *name = argc == 2 + quick ? argv [1 + quick] : "";
    double target_s = quick ? 0.05 : 1.5;

    for (size_t i = 0; i < sizeof s_cases / sizeof *s_cases; i++)
        if (strcmp (s_cases [i].name, name) == 0) {
            double value = s_cases [i].run (&s_cases [i], target_s);
            printf ("%s %.3f %s\n", name, value, s_cases [i].unit);
            return EXIT_SUCCESS;
        }
    fprintf (stderr, "usage: zmq-bench [--quick] CASE\ncases:");
    for (size_t i = 0; i < sizeof s_cases / sizeof *s_cases; i++)
        fprintf (stderr, " %s", s_cases [i].name);
    fputc ('\n', stderr);
    return 2;
}
