/* class.h: classes as the runtime uses them: checked once, inherited methods flattened, found by hash. */

#ifndef ZANNI_ACTOR_CLASS_H
#define ZANNI_ACTOR_CLASS_H

#include <string.h>
#include <zanni/class.h>

typedef struct zanni__method {
    const char *name;
    const char *in;
    const char *out;
    zanni_handler_fn *handler;
    const char *text;
    unsigned flags;
    const char *result;                  // class of the objects that it answers with, or NULL
    bool builtin;                        // every actor has it; handled by the runtime even where a program reads
    bool any;                            // takes whatever arguments come
    bool hook;                           // no method, but one of the class's hooks: see zanni__hook_kind_t
    const struct zanni__method *super;   // the parent's method that it overrides, or NULL
    const struct zanni__class *cls;      // whose it is, inherited ones included
    const zanni_property_t *property;    // that it gets or sets, or NULL
} zanni__method_t;

/* What an actor can be in besides a method: doing.h. */
typedef enum {
    ZANNI__HOOK_START,
    ZANNI__HOOK_STOP,
    ZANNI__HOOK_RUN,
    ZANNI__HOOK_DOWN,
    ZANNI__HOOK_ANSWER,   // what takes the answer of an ask
    ZANNI__HOOK_EXIT,
    ZANNI__HOOKS
} zanni__hook_kind_t;

/* The actor is to end for this reason: true where it will do so later, by zanni__request_end again, which it must not
   when its worker is stopping. Comes before a kill, too, which runs no stop hook. */
typedef bool zanni__closing_fn (zanni_t *self, const zanni_reason_t *reason);

typedef struct zanni__class {
    const zanni_class_t *definition;
    const struct zanni__class *parent;
    const char *start_in;
    size_t state_size;
    bool has_start;                      // it or an ancestor has the hook
    bool has_down;
    bool has_high;                       // one of its methods overtakes
    uint32_t stash_max;
    bool has_exit;
    int (*run) (zanni_t *self);
    zanni__method_t *methods;
    uint32_t methods_count;
    uint32_t mask;                       // slots - 1; a power of two, at most half full
    const zanni__method_t **slots;
    struct zanni__class *next;           // in the process's table
    zanni__method_t hooks [ZANNI__HOOKS];

    /* Of the library's own classes only; NULL in all others. */
    const zanni__method_t *any;          // what has no method of its own goes here, whatever its name and arguments
    zanni__closing_fn *closing;
    bool tidies;                         // its own stop hook runs behind a kill, too; those of its children do not
    bool sealed;                         // to be spawned only: nobody inherits from it, serves it or lends it a state
} zanni__class_t;

/* A registered class, or NULL. Any thread. */
const zanni__class_t *zanni__class_find (const char *name);

/* The same for who spawns: sealed ones, too. */
const zanni__class_t *zanni__class_named (const char *name);

/* The class of an actor that serves none: it has the methods that every actor has. */
const zanni__class_t *zanni__class_none (void);

/* For comparing with it, which needs nothing of it to be filled in. */
extern zanni__class_t zanni__none;

/* A class of the library's own, which no name leads to unless it is `named`: a static of the file that has it. */
typedef struct zanni__own_class {
    const zanni_class_t *definition;
    const zanni__method_t *any;   // as in zanni__class_t
    zanni__closing_fn *closing;
    bool tidies;
    bool named;                   // stands in the table, sealed
    zanni__class_t *made;         // NULL until then
} zanni__own_class_t;

/* Made by the first who asks; it lives as long as the process. ZANNI_ENOMEM. Any thread. */
int zanni__class_own (const zanni__class_t **cls_p, zanni__own_class_t *own);

/* Registers classes of the library's that programs spawn by name and may inherit from, those of object/; they tidy. Again is
   no fault. ZANNI_ENOMEM. */
int zanni__class_ready (const zanni_class_t *const *classes);

/* The methods that every actor has; ends with ZANNI_METHOD_END. */
extern const zanni_method_t zanni__builtin_methods [];

/* Answers zanni.counts: tally.c. */
int zanni__answer_counts (zanni_t *self, zanni_msg_t *msg);

/* Registers as zanni_init does, which is more where a process was started by the library (node/init.c). */
int zanni__class_init (const zanni_class_t *const *classes);

/* What zanni_init found wrong, which zanni_new repeats; 0 where nothing was. `error` may be NULL. */
int zanni__class_fault (zanni_error_t *error);

#define ZANNI__HASH_START 2166136261u

/* FNV-1a, inlined since every send looks a method up. */
static inline uint32_t
zanni__hash_name (const char *name)
{
    uint32_t hash = ZANNI__HASH_START;
    for (; *name; name++)
        hash = (hash ^ (uint8_t) *name) * 16777619u;
    return hash ^ (hash >> 15);
}

static inline bool
zanni__same_name (const char *one, const char *other)
{
    while (*one && *one == *other)
        one++, other++;
    return *one == *other;
}

static inline const zanni__method_t *
zanni__class_method (const zanni__class_t *cls, const char *name)
{
    for (uint32_t slot = zanni__hash_name (name);; slot++) {
        const zanni__method_t *method = cls->slots [slot & cls->mask];
        if (!method || zanni__same_name (method->name, name))
            return method;
    }
}

#endif
