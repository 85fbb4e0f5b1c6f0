/* tip.h: a piece of advice, the claim that it makes, and what was measured of it. */

#ifndef PERFORMANCE_TIP_H
#define PERFORMANCE_TIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zanni.h>

#define TIP_ROWS 24

/* What one message costs, in seconds: to make its arguments, to get them there and an answer back, to read them. */
typedef struct {
    double seconds;   // in all; less than the sum where both sides work at once
    double pack;
    double transport;
    double unpack;
    double bytes;   // of arguments and buffers
} cost_t;

typedef struct {
    char label [40];
    cost_t cost;
} row_t;

typedef struct {
    row_t rows [TIP_ROWS];
    size_t count;
    double ratio;   // how much better the advice is
} outcome_t;

typedef struct {
    const char *name;
    const char *claim;
    double at_least;   // the ratio that it promises
    int (*measure) (outcome_t *outcome, bool quick);
} tip_t;

int tip_simplify (outcome_t *outcome, bool quick);
int tip_trim (outcome_t *outcome, bool quick);
int tip_choose (outcome_t *outcome, bool quick);
int tip_fixed (outcome_t *outcome, bool quick);
int tip_stores (outcome_t *outcome, bool quick);
int tip_buffers (outcome_t *outcome, bool quick);
int tip_reuse (outcome_t *outcome, bool quick);

#endif
