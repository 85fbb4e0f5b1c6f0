/* talk.h: what all verbs have in common that talk to another node: a node of their own, and a reference to an actor there.
   What fails says why on standard error. */

#ifndef ZANNI_TOOL_TALK_H
#define ZANNI_TOOL_TALK_H

#include "keys.h"

#include <jansson.h>
#include <zanni.h>

#define TOOL_PLACE_MAX 256   // bytes of an endpoint, and of a name

/* What each of them takes; a child of the verb's own argp, with a tool_talk_t as its input. */
typedef struct {
    tool_keys_t keys;
    const char *trust;    // the public key of the node that is dialled; NULL: that of our secret
    bool insecure;
    int64_t timeout_ms;   // 0: the default
} tool_talk_t;

extern const struct argp tool_talk_argp;

/* The input of the parser of a verb whose only argument is whom to ask. */
typedef struct {
    tool_talk_t talk;
    bool optional;
    const char *place;   // NULL: none was given
    bool work;              // what its node is at
} tool_aim_t;

error_t tool_aim_parse (int key, char *argument, struct argp_state *state);
extern const struct argp_child tool_aim_children [];

/* "tcp://HOST:PORT", and behind a further slash the name of an offer. */
typedef struct {
    char endpoint [TOOL_PLACE_MAX];
    char name [TOOL_PLACE_MAX];   // "": the actor that listens
} tool_place_t;

bool tool_place (tool_place_t *place, const char *text);

typedef struct {
    zanni_t *self;
    zanni_ref_t *ref;
} tool_peer_t;

/* A node of our own and the actor at a place, to be left by tool_leave, however this goes. */
bool tool_reach (tool_peer_t *peer, const char *text, const tool_talk_t *talk);
void tool_leave (tool_peer_t *peer);

/* The answer of an actor, for the caller to destroy; NULL: it has been said why there is none. */
zanni_msg_t *tool_ask (tool_peer_t *peer, const tool_talk_t *talk, const char *method, const zanni_arg_t *args, size_t count);

/* "zanni: WHAT: TEXT", where there is no text that of the code. False. */
bool tool_complain (const char *what, int code, const char *text);

/* The same of where a node listens, with what to do where two sides do not trust each other. */
bool tool_complain_of (const char *place, int code, const char *text);

/* Prints it, in one line or as people read it, and gives it back. False: memory is out, or nobody takes what is
   printed. */
bool tool_print (json_t *json, bool line);

#endif
