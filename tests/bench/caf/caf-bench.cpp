/*  caf-bench: the benchmark cases on CAF, the C++ actor framework, 0.17.

    `caf-bench [--quick] CASE [SCHEDULERS]` prints `CASE VALUE UNIT`; without
    SCHEDULERS, CAF takes as many worker threads as it likes. The actors are
    statically typed, event based and written as classes, which store the one
    that they send to: that was as fast as or faster than dynamically typed
    ones in every case, and in pingpong also than functions, handlers that
    return their answer, and raw_event_based_actor.

    A case is a row of `cases`: a function that does `count` operations and
    returns the seconds that they took. `rate_of` runs it with a growing count
    until one run is long enough to be trusted; the earlier runs warm up.
    `create` keeps at most 1,000 actors alive, `count` at most 4,096 messages
    outstanding. `idle` measures memory and prints bytes for each actor.

    An actor that ends sends an exit message to the one that it talks to
    (on_exit), so that a run leaves no actor behind.

    `tcp-tell` is between two processes: the far one is forked before there is
    an actor system, publishes an actor at a free port of 127.0.0.1 and says
    which by a pipe. It counts strings of 64 bytes, which CAF sends faster than
    vectors of bytes, and says when the last has come. One connection serves
    all runs.  */

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

namespace {

constexpr int64_t ring_size = 503;
constexpr int64_t pair_count = 1000;
constexpr int64_t credit_window = 4096;
constexpr int64_t credit_batch = 64;
constexpr int64_t create_batch = 1000;
constexpr int64_t idle_count = 100000;

double
now_s ()
{
    using namespace std::chrono;
    return duration<double> (steady_clock::now ().time_since_epoch ()).count ();
}

//  Opens when `arrive` was called as often as announced. Notifies under its
//  lock, because the one who waits destroys it at once.
class gate {
public:
    explicit gate (int64_t expected) : left (expected) {}

    void
    arrive ()
    {
        if (left.fetch_sub (1) > 1)
            return;
        std::lock_guard<std::mutex> guard (lock);
        open = true;
        opened.notify_all ();
    }

    void
    wait ()
    {
        std::unique_lock<std::mutex> guard (lock);
        opened.wait (guard, [this] { return open; });
    }

private:
    std::atomic<int64_t> left;
    bool open = false;
    std::mutex lock;
    std::condition_variable opened;
};

//  The one interface of all actors here: a number, and whom to send to.
using player = caf::typed_actor<caf::reacts_to<int64_t>,
                                caf::reacts_to<caf::strong_actor_ptr>>;

class player_base : public player::base {
public:
    explicit player_base (caf::actor_config &config) : player::base (config) {}

    void
    on_exit () override
    {
        if (peer)
            send_exit (*peer, caf::exit_reason::user_shutdown);
        peer = caf::none;
    }

protected:
    virtual void take (int64_t number) = 0;

    behavior_type
    make_behavior () override
    {
        return {
            [this] (int64_t number) { take (number); },
            [this] (const caf::strong_actor_ptr &other) {
                peer = caf::actor_cast<player> (other);
            }
        };
    }

    void
    pass (int64_t number)
    {
        send (*peer, number);
    }

    caf::optional<player> peer;
};

caf::strong_actor_ptr
pointer_to (const player &actor)
{
    return caf::actor_cast<caf::strong_actor_ptr> (actor);
}

//  Introduces two actors to each other; mail between two actors keeps its
//  order, so that a number sent later arrives later.
void
introduce (const player &one, const player &other)
{
    caf::anon_send (one, pointer_to (other));
    caf::anon_send (other, pointer_to (one));
}

class echo final : public player_base {
public:
    using player_base::player_base;

protected:
    void
    take (int64_t number) override
    {
        pass (number);
    }
};

//  Counts down what comes by; the first number says how often it is passed.
class countdown final : public player_base {
public:
    countdown (caf::actor_config &config, gate &end)
        : player_base (config), finished (end)
    {}

protected:
    void
    take (int64_t number) override
    {
        if (number > 0)
            pass (number - 1);
        else {
            finished.arrive ();
            quit ();
        }
    }

private:
    gate &finished;
};

double
pairs_run (caf::actor_system &system, int64_t pairs, int64_t round_trips)
{
    gate finished (pairs);
    std::vector<player> pings;
    for (int64_t i = 0; i < pairs; i++) {
        pings.emplace_back (system.spawn<countdown> (finished));
        introduce (pings.back (), system.spawn<echo> ());
    }
    double started = now_s ();
    for (const player &first : pings)
        caf::anon_send (first, round_trips);
    finished.wait ();
    return now_s () - started;
}

double
run_pingpong (caf::actor_system &system, int64_t count)
{
    return pairs_run (system, 1, count);
}

double
run_pairs (caf::actor_system &system, int64_t count)
{
    return pairs_run (system, pair_count, count / pair_count);
}

double
run_ring (caf::actor_system &system, int64_t count)
{
    gate finished (1);
    std::vector<player> ring;
    for (int64_t i = 0; i < ring_size; i++)
        ring.emplace_back (system.spawn<countdown> (finished));
    for (size_t i = 0; i < ring.size (); i++)
        caf::anon_send (ring [i], pointer_to (ring [(i + 1) % ring.size ()]));
    double started = now_s ();
    caf::anon_send (ring [0], count);
    finished.wait ();
    return now_s () - started;
}

class counter final : public player_base {
public:
    counter (caf::actor_config &config, int64_t messages, gate &end)
        : player_base (config), expected (messages), finished (end)
    {}

protected:
    void
    take (int64_t) override
    {
        arrived++;
        if (arrived % credit_batch == 0)
            pass (credit_batch);
        if (arrived == expected) {
            finished.arrive ();
            quit ();
        }
    }

private:
    int64_t expected;
    int64_t arrived = 0;
    gate &finished;
};

//  A number is credit for as many messages.
class producer final : public player_base {
public:
    producer (caf::actor_config &config, int64_t messages)
        : player_base (config), left (messages)
    {}

protected:
    void
    take (int64_t credit) override
    {
        for (; credit > 0 && left > 0; credit--)
            pass (left--);
    }

private:
    int64_t left;
};

double
run_count (caf::actor_system &system, int64_t count)
{
    gate finished (1);
    player from = system.spawn<producer> (count);
    introduce (from, system.spawn<counter> (count, finished));
    double started = now_s ();
    caf::anon_send (from, credit_window);
    finished.wait ();
    return now_s () - started;
}

class mayfly final : public player_base {
public:
    mayfly (caf::actor_config &config, const caf::strong_actor_ptr &from)
        : player_base (config), parent (caf::actor_cast<player> (from))
    {}

protected:
    void
    take (int64_t number) override
    {
        send (parent, number);
        quit ();
    }

private:
    player parent;
};

//  Every number that arrives is the end of one mayfly, but for the first.
class breeder final : public player_base {
public:
    breeder (caf::actor_config &config, int64_t actors, gate &end)
        : player_base (config), left (actors), finished (end)
    {}

protected:
    void
    take (int64_t) override
    {
        if (--alive > 0)
            return;
        if (left > 0)
            breed ();
        else {
            finished.arrive ();
            quit ();
        }
    }

private:
    void
    breed ()
    {
        auto self = caf::actor_cast<caf::strong_actor_ptr> (this);
        alive = std::min (left, create_batch);
        left -= alive;
        for (int64_t i = 0; i < alive; i++)
            send (spawn<mayfly> (self), i);
    }

    int64_t left;
    int64_t alive = 1;          // the message that starts it all
    gate &finished;
};

double
run_create (caf::actor_system &system, int64_t count)
{
    gate finished (1);
    player outer = system.spawn<breeder> (count, finished);
    double started = now_s ();
    caf::anon_send (outer, int64_t {0});
    finished.wait ();
    return now_s () - started;
}

class idler final : public player_base {
public:
    idler (caf::actor_config &config, gate &start)
        : player_base (config), started (start)
    {}

protected:
    behavior_type
    make_behavior () override
    {
        started.arrive ();
        return player_base::make_behavior ();
    }

    void
    take (int64_t number) override
    {
        total += number;
    }

private:
    gate &started;
    int64_t total = 0;
};

double
resident_bytes ()
{
    double total_pages = 0;
    double resident_pages = 0;
    std::ifstream ("/proc/self/statm") >> total_pages >> resident_pages;
    return resident_pages * static_cast<double> (sysconf (_SC_PAGESIZE));
}

double
idle_bytes (caf::actor_system &system)
{
    gate started (idle_count);
    std::vector<player> idlers;
    idlers.reserve (idle_count);
    double before = resident_bytes ();
    for (int64_t i = 0; i < idle_count; i++)
        idlers.emplace_back (system.spawn<idler> (started));
    started.wait ();
    double after = resident_bytes ();
    for (const player &each : idlers)
        caf::anon_send_exit (each, caf::exit_reason::user_shutdown);
    system.await_all_actors_done ();
    return (after - before) / static_cast<double> (idle_count);
}

//  tcp-tell: first how many will come, then the strings.
struct arrivals {
    int64_t expected = 0;
    int64_t count = 0;
};

caf::behavior
far_counter (caf::stateful_actor<arrivals> *self)
{
    return {
        [self] (int64_t expected) { self->state = { expected, 0 }; },
        [self] (const std::string &) {
            if (++self->state.count == self->state.expected)
                self->send (caf::actor_cast<caf::actor> (self->current_sender ()),
                            self->state.count);
        }
    };
}

void
set_schedulers (caf::actor_system_config &config, const char *count)
{
    if (count)
        config.set ("scheduler.max-threads",
                    static_cast<size_t> (std::strtoul (count, nullptr, 10)));
}

//  The far process; it ends with the near one.
[[noreturn]] void
be_far (const char *schedulers, int pipe_fd)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    caf::actor_system_config config;
    set_schedulers (config, schedulers);
    config.load<caf::io::middleman> ();
    caf::actor_system system (config);
    auto port = system.middleman ().publish (system.spawn (far_counter), 0,
                                             "127.0.0.1");
    uint16_t number = port ? *port : 0;
    if (write (pipe_fd, &number, sizeof number) != sizeof number)
        _exit (EXIT_FAILURE);
    for (;;)
        pause ();
}

double
tell_run (caf::scoped_actor &self, const caf::actor &far, int64_t count)
{
    const std::string payload (64, 'x');
    double started = now_s ();
    self->send (far, count);
    for (int64_t i = 0; i < count; i++)
        self->send (far, payload);
    self->receive ([] (int64_t) {});
    return now_s () - started;
}

double tell_rate (caf::actor_system &system, uint16_t port, double target_s);

//  The near process, which begins with the far one.
int
run_tell (const char *schedulers, double target_s)
{
    int fds [2];
    uint16_t port = 0;
    if (pipe (fds))
        return EXIT_FAILURE;
    pid_t pid = fork ();
    if (pid == 0)
        be_far (schedulers, fds [1]);
    close (fds [1]);
    double rate = 0;
    if (pid > 0 && read (fds [0], &port, sizeof port) == sizeof port && port) {
        caf::actor_system_config config;
        set_schedulers (config, schedulers);
        config.load<caf::io::middleman> ();
        caf::actor_system system (config);
        rate = tell_rate (system, port, target_s);
    }
    if (pid > 0) {
        kill (pid, SIGKILL);
        waitpid (pid, nullptr, 0);
    }
    if (rate > 0)
        std::printf ("tcp-tell %.1f /s\n", rate);
    return rate > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

struct bench_case {
    const char *name;
    double (*run) (caf::actor_system &system, int64_t count);
    int64_t first_count;
};

const bench_case cases [] = {
    { "pingpong", run_pingpong, 10000 },
    { "ring", run_ring, 10000 },
    { "count", run_count, 10000 },
    { "pairs", run_pairs, 10000 },
    { "create", run_create, 5000 }
};

template <class Run>
double
rate_of (Run run, int64_t count, double target_s)
{
    constexpr double max_growth = 50;
    for (;;) {
        double elapsed_s = run (count);
        if (elapsed_s >= target_s * 0.7)
            return static_cast<double> (count) / elapsed_s;
        double growth = std::min (target_s / elapsed_s, max_growth);
        count = static_cast<int64_t> (static_cast<double> (count) * growth);
        count -= count % pair_count;
    }
}

double
tell_rate (caf::actor_system &system, uint16_t port, double target_s)
{
    caf::scoped_actor self (system);
    auto far = system.middleman ().remote_actor ("127.0.0.1", port);
    if (!far)
        return 0;
    return rate_of ([&] (int64_t count) { return tell_run (self, *far, count); },
                    10000, target_s);
}

bool
run_case (const char *name, caf::actor_system &system, bool quick)
{
    if (!std::strcmp (name, "idle")) {
        std::printf ("idle %.1f B\n", idle_bytes (system));
        return true;
    }
    for (const bench_case &bench : cases)
        if (!std::strcmp (name, bench.name)) {
            auto run = [&] (int64_t count) {
                double elapsed_s = bench.run (system, count);
                system.await_all_actors_done ();
                return elapsed_s;
            };
            double rate = rate_of (run, bench.first_count, quick ? 0.05 : 1.5);
            std::printf ("%s %.1f /s\n", name, rate);
            return true;
        }
    return false;
}

} // namespace

int
main (int argc, char **argv)
{
    bool quick = argc > 1 && !std::strcmp (argv [1], "--quick");
    argc -= quick;
    argv += quick;

    const char *schedulers = argc == 3 ? argv [2] : nullptr;
    if ((argc == 2 || argc == 3) && !std::strcmp (argv [1], "tcp-tell"))
        return run_tell (schedulers, quick ? 0.05 : 1.5);

    caf::actor_system_config config;
    set_schedulers (config, schedulers);
    caf::actor_system system (config);
    if ((argc == 2 || argc == 3) && run_case (argv [1], system, quick))
        return EXIT_SUCCESS;
    std::fprintf (stderr, "usage: caf-bench [--quick] CASE [SCHEDULERS]\n"
                          "cases: idle tcp-tell");
    for (const bench_case &bench : cases)
        std::fprintf (stderr, " %s", bench.name);
    std::fputc ('\n', stderr);
    return 2;
}
