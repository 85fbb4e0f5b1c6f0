/* worker.h: the actor of the tests about processes: it does what it is told, ends in every way, knows another one, and
   tells a witness what it sees. */

#ifndef TESTS_INTEGRATION_WORKER_H
#define TESTS_INTEGRATION_WORKER_H

#include <zanni.h>

/* "worker", started with a number: its total. A negative one fails the start, WORKER_DIES is the end of its process.

     add x -> x; count                   to the total; 1 to the total
     total -> x; echo B -> B             the total; what it got
     text of r -> s; knows rs -> b       a reference as text; whether the text is of that one
     offer sr                            to who connects to its node
     pid -> x; parent -> x               of its process
     raise i; leave i; finish xs         a signal; exit (i); its own end, with an error
     spawn i -> r                        another, in that place, which it holds from then on
     spawn on rix -> r             one on that one's node, with that total, which is told "add" 1 at once; weak
     spawn beside s -> r                 one of that class, on its worker, which it does not hold
     spawn wrongly                       a process that fails to start
     hold r; drop; lend -> r             its other
     holds something -> b; same rr -> b
     give r                              its other, to that one's hold
     stop other -> i; tell and drop x    the code; counts of its other
     pass x -> x; pass promise -> x      forwards, to add or promise of its other
     relay s -> x                        asks its other for that, and answers the same
     work before it relays x             busy for so many ms
     call x -> x                         relays add, and waits
     ask and cancel                      a promise of its other, once that has begun
     promise -> x; promises -> x         answered by fulfil x; how many there were
     fulfil x; is void -> b              the last promise
     compute x                           is busy for so many ms, which is seen
     remaining -> x                      of its ask
     witness r                           is told "saw", "s"
     watch r                             a monitor, whose DOWN is seen
     send xxx                            tells its other (sender, 1 to count), from a time on
     note xx; noted x -> xx              of a sender: a number; the last one, and how many did not follow the one before
     when noted xxii                     once that many are, writes a byte to the descriptor of that process */
extern const zanni_class_t worker_class;

#define WORKER_DIES (-9)
#define WORKER_SENDERS 8

#endif
