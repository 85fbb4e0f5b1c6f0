/* liar.h: a server that speaks HTTP, or something like it, and says what a test tells it: a process of its own, which ends
   with whoever started it. What it says is chosen by the path that is asked for, and may change at any time. */

#ifndef TESTS_SUPPORT_LIAR_H
#define TESTS_SUPPORT_LIAR_H

#include <stddef.h>
#include <sys/types.h>

#define LIAR_PATHS 8
#define LIAR_TEXT 4096

typedef struct {
    char path [32];           // "": the end of the list
    char text [LIAR_TEXT];    // bytes that it answers, as they are
    unsigned repeat;          // and how often: 0: once
    char again [8192];        // what is repeated, behind the text
    int hold;                 // 1: then it stays silent, and does not close the connection
} liar_answer_t;

/* Shared with the process. */
typedef struct {
    liar_answer_t answers [LIAR_PATHS];
    unsigned asked;           // requests so far
} liar_script_t;

typedef struct {
    pid_t pid;
    int port;
    liar_script_t *script;
} liar_t;

/* Before this process has threads. Returns 0, or -1. */
int liar_start (liar_t *liar);
void liar_end (liar_t *liar);

/* Answers a path by a whole HTTP answer with this body; it is in effect when this returns. */
void liar_says (liar_t *liar, const char *path, const char *body);

/* The same with bytes that need not be HTTP; the answer is the caller's to refine. */
liar_answer_t *liar_says_raw (liar_t *liar, const char *path, const char *bytes);

#endif
