%%  bench: the benchmark cases on Erlang.
%%
%%  `erl +S N -noshell -s bench main -extra [--quick] CASE` prints
%%  `CASE VALUE UNIT` and halts; erlang-bench beside this file says it shorter.
%%  The processes are plain receive loops, started with spawn/3 and the default
%%  options; integers travel bare.
%%
%%  A case is a row of runs/0: a function that does Count operations; what it
%%  takes is the time from the first message to the last. rate/3 runs it with a
%%  growing count until one run is long enough to be trusted; the earlier runs
%%  warm up. `create` keeps at most 1,000 processes alive, `count` at most
%%  4,096 messages outstanding. `idle` measures memory and prints the bytes for
%%  each process.
%%
%%  tcp-* are between two nodes of distributed Erlang on this host. The near one
%%  starts the far one, which says on its standard output at which port it
%%  listens and ends when its standard input does. There is no epmd: this module
%%  is what the two nodes ask in its place (-epmd_module), and knows one port.
%%  The cookie is a file in the home that erlang-bench names. Both nodes listen
%%  on 127.0.0.1 only. The receiver of buffers looks at one byte a page.

-module (bench).
-export ([main/0, far/0]).
-export ([start_link/0, register_node/3, listen_port_please/2, port_please/2,
          port_please/3, address_please/3, names/1]).
-export ([tallier/0]).
-export ([echo/0, countdown/1, countdown/2, counter/2, producer/1, breeder/2,
          mayfly/1, idler/2]).

-define (RING_SIZE, 503).
-define (PAIRS, 1000).
-define (CREDIT_WINDOW, 4096).
-define (CREDIT_BATCH, 64).
-define (CREATE_BATCH, 1000).
-define (IDLE, 100000).
-define (MAX_GROWTH, 50).
-define (TELL, binary:copy (<<16#5a>>, 64)).
-define (BUFFER, binary:copy (<<16#5a>>, 1 bsl 20)).
-define (PAGE, 4096).

main () ->
    halt (main (init:get_plain_arguments ())).

main (["--quick", Case]) ->
    run (Case, 0.05);
main ([Case]) ->
    run (Case, 1.5);
main (_) ->
    usage ().

run ("idle", _) ->
    io:format ("idle ~.1f B~n", [idle_bytes ()]),
    0;
run ("tcp-tell", TargetS) ->
    remote ("tcp-tell", ?TELL, 10000, TargetS);
run ("tcp-buffer", TargetS) ->
    remote ("tcp-buffer", ?BUFFER, 50, TargetS);
run (Case, TargetS) ->
    case lists:keyfind (Case, 1, runs ()) of
        {Case, Run} ->
            io:format ("~s ~.1f /s~n", [Case, rate (Run, 10000, TargetS)]),
            0;
        false ->
            usage ()
    end.

usage () ->
    Names = ["idle", "tcp-tell", "tcp-buffer" | [Name || {Name, _} <- runs ()]],
    io:format (standard_error,
               "usage: erlang-bench [--quick] CASE [SCHEDULERS]~ncases: ~s~n",
               [lists:join (" ", Names)]),
    2.

runs () ->
    [{"pingpong", fun (Count) -> pairs (1, Count) end},
     {"ring", fun ring/1},
     {"count", fun count/1},
     {"pairs", fun (Count) -> pairs (?PAIRS, Count div ?PAIRS) end},
     {"create", fun create/1}].

rate (Run, Count, TargetS) ->
    ElapsedS = Run (Count),
    case ElapsedS >= TargetS * 0.7 of
        true ->
            Count / ElapsedS;
        false ->
            Growth = min (TargetS / max (ElapsedS, 1.0e-6), ?MAX_GROWTH),
            Next = trunc (Count * Growth) + 1,
            rate (Run, max (Next - Next rem ?PAIRS, min (Next, ?PAIRS)), TargetS)
    end.

%%  Seconds from the call of Start until as many processes said `done`.
time (Start, Finishers) ->
    Started = erlang:monotonic_time (nanosecond),
    Start (),
    await (done, Finishers),
    (erlang:monotonic_time (nanosecond) - Started) * 1.0e-9.

await (_, 0) ->
    ok;
await (Word, Left) ->
    receive Word -> await (Word, Left - 1) end.

%%  pingpong, pairs: an echo, and a countdown that passes the number on until
%%  it is 0. Each learns its peer from its first message.

pairs (Pairs, RoundTrips) ->
    Pings = [pair () || _ <- lists:seq (1, Pairs)],
    time (fun () -> [Ping ! RoundTrips || Ping <- Pings] end, Pairs).

pair () ->
    Pong = spawn (?MODULE, echo, []),
    Ping = spawn (?MODULE, countdown, [self (), Pong]),
    Pong ! Ping,
    Ping.

echo () ->
    receive Peer -> echo (Peer) end.

echo (Peer) ->
    receive
        stop ->
            ok;
        Number ->
            Peer ! Number,
            echo (Peer)
    end.

countdown (Root) ->
    receive Peer -> countdown (Root, Peer) end.

countdown (Root, Peer) ->
    receive
        0 ->
            Root ! done,
            Peer ! stop;
        stop ->
            Peer ! stop;
        Number ->
            Peer ! Number - 1,
            countdown (Root, Peer)
    end.

%%  ring: countdowns all round.

ring (Hops) ->
    Root = self (),
    Ring = [spawn (?MODULE, countdown, [Root])
            || _ <- lists:seq (1, ?RING_SIZE)],
    [First | Rest] = Ring,
    [From ! To || {From, To} <- lists:zip (Ring, Rest ++ [First])],
    time (fun () -> First ! Hops end, 1).

count (Messages) ->
    Counter = spawn (?MODULE, counter, [self (), Messages]),
    Producer = spawn (?MODULE, producer, [Messages]),
    Counter ! Producer,
    Producer ! Counter,
    time (fun () -> Producer ! ?CREDIT_WINDOW end, 1).

counter (Root, Expected) ->
    receive Producer -> counter (Root, Producer, Expected, 0) end.

counter (Root, _, Expected, Expected) ->
    Root ! done;
counter (Root, Producer, Expected, Arrived) ->
    receive
        _ when (Arrived + 1) rem ?CREDIT_BATCH =:= 0 ->
            Producer ! ?CREDIT_BATCH,
            counter (Root, Producer, Expected, Arrived + 1);
        _ ->
            counter (Root, Producer, Expected, Arrived + 1)
    end.

producer (Messages) ->
    receive Counter -> producer (Counter, 0, Messages) end.

producer (_, _, 0) ->
    ok;
producer (Counter, 0, Left) ->
    receive Credit -> producer (Counter, Credit, Left) end;
producer (Counter, Credit, Left) ->
    Counter ! Left,
    producer (Counter, Credit - 1, Left - 1).

create (Processes) ->
    Breeder = spawn (?MODULE, breeder, [self (), Processes]),
    time (fun () -> Breeder ! start end, 1).

breeder (Root, Processes) ->
    receive start -> breed (Root, Processes) end.

breed (Root, 0) ->
    Root ! done;
breed (Root, Left) ->
    Batch = min (Left, ?CREATE_BATCH),
    spawn_mayflies (Batch),
    await_mayflies (Batch),
    breed (Root, Left - Batch).

spawn_mayflies (0) ->
    ok;
spawn_mayflies (Left) ->
    spawn (?MODULE, mayfly, [self ()]) ! Left,
    spawn_mayflies (Left - 1).

await_mayflies (0) ->
    ok;
await_mayflies (Left) ->
    receive _ -> await_mayflies (Left - 1) end.

mayfly (Parent) ->
    receive Number -> Parent ! Number end.

idle_bytes () ->
    erlang:garbage_collect (),
    Before = resident_bytes (),
    spawn_idlers (?IDLE),
    await (started, ?IDLE),
    (resident_bytes () - Before) / ?IDLE.

spawn_idlers (0) ->
    ok;
spawn_idlers (Left) ->
    spawn (?MODULE, idler, [self (), 0]),
    spawn_idlers (Left - 1).

idler (Root, Total) ->
    Root ! started,
    idle (Total).

idle (Total) ->
    receive Number -> idle (Total + Number) end.

resident_bytes () ->
    {ok, Text} = file:read_file ("/proc/self/status"),
    {match, [KiB]} = re:run (Text, "VmRSS:\\s*([0-9]+)",
                             [{capture, all_but_first, list}]),
    list_to_integer (KiB) * 1024.

%%  tcp-*: a tallier on the far node, which is told how many will come.

remote (Case, Binary, First, TargetS) ->
    Far = start_far (),
    Tallier = spawn (Far, ?MODULE, tallier, []),
    Run = fun (Count) ->
              time (fun () ->
                        Tallier ! {self (), Count},
                        pour (Tallier, Binary, Count)
                    end, 1)
          end,
    io:format ("~s ~.1f /s~n", [Case, rate (Run, First, TargetS)]),
    0.

pour (_, _, 0) ->
    ok;
pour (Tallier, Binary, Left) ->
    Tallier ! Binary,
    pour (Tallier, Binary, Left - 1).

tallier () ->
    receive {Root, Count} -> tally (Root, Count) end.

tally (Root, 0) ->
    Root ! done,
    tallier ();
tally (Root, Left) ->
    receive
        Binary ->
            look (Binary, 0),
            tally (Root, Left - 1)
    end.

look (Binary, At) when At < byte_size (Binary) ->
    16#5a = binary:at (Binary, At),
    look (Binary, At + ?PAGE);
look (_, _) ->
    ok.

start_far () ->
    be_node ('near@localhost'),
    Schedulers = integer_to_list (erlang:system_info (schedulers)),
    Program = filename:join ([code:root_dir (), "bin", "erl"]),
    Far = open_port ({spawn_executable, Program},
                     [{line, 64},
                      {args, ["+S", Schedulers, "-noshell",
                              "-epmd_module", "bench",
                              "-pa", filename:dirname (code:which (?MODULE)),
                              "-s", "bench", "far"]}]),
    receive
        {Far, {data, {eol, Text}}} ->
            persistent_term:put (port, list_to_integer (Text))
    end,
    pong = net_adm:ping ('far@localhost'),
    'far@localhost'.

far () ->
    be_node ('far@localhost'),
    io:format ("~w~n", [persistent_term:get (port)]),
    eof = io:get_line (""),
    halt (0).

be_node (Name) ->
    application:set_env (kernel, inet_dist_use_interface, {127, 0, 0, 1}),
    {ok, _} = net_kernel:start ([Name, shortnames]).

%%  What epmd would answer.

start_link () ->
    ignore.

register_node (_, Port, _) ->
    persistent_term:put (port, Port),
    {ok, 1}.

listen_port_please (_, _) ->
    {ok, 0}.

port_please (_, _) ->
    {port, persistent_term:get (port), 6}.

port_please (Name, Host, _) ->
    port_please (Name, Host).

address_please (_, _, _) ->
    {ok, {127, 0, 0, 1}}.

names (_) ->
    {error, address}.
