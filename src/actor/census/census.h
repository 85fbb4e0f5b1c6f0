/* census.h: what there is in a node, for people: "zanni.node", which every actor answers to whoever has a reference to it. */

#ifndef ZANNI_ACTOR_CENSUS_H
#define ZANNI_ACTOR_CENSUS_H

#include "../actor.h"

#define ZANNI__CENSUS_MOST 1000   // actors that are told of

/* name, id, process, time of day; counts as in zanni_stats_t; workers: name, actors; actors that other nodes know: number,
   class, worker, messages in the mailbox; names that are offered. */
#define ZANNI__CENSUS "sayux(tttttt)a(st)a(tsst)as"

zanni_handler_fn zanni__answer_census;

#endif
