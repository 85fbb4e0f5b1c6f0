/* Classes of the process: checked, compiled, found by name.

   The table is a fixed array of buckets, each a list that only grows at its head. Writers hold a mutex. Readers hold
   nothing: a class is complete before the release store that makes it a bucket's head, and the acquire load of that
   head is all that a spawn pays. Compiled classes live as long as the process, so a reader may keep what it found;
   their definitions are the program's constant data, so they are pointed into and never copied. A hash table that
   grows would need readers to announce themselves, for a few dozen names.

   One call registers all of its classes or none: they are checked and compiled aside, eldest first whatever their
   order in the array, and shown when nothing can fail any more. A compiled class is one block of memory: the class,
   its methods (its own, then the inherited ones that it does not override, the built-in ones among them), and an open
   hash of them that is at most half full, so that looking up a method takes one comparison most times.

   Whatever is wrong is told with class, method and value, for the person who wrote the table; a fault that showed at
   the first message instead would be found much later, and by somebody else. */

#include "property.h"

#include "../base/memory.h"
#include "../message/signature.h"
#include "../wire/text.h"

#include "../base/assert.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#define S_BUCKETS 256         // a power of two
#define S_NAME_MAX 63         // bytes
#define S_METHODS_MAX 1024    // of a class, inherited ones included
#define S_CLASSES_MAX 1024    // of one call
#define S_DEPTH_MAX 32        // a class and its ancestors
#define S_STATE_MAX ((size_t) 1 << 30)
#define S_BUILTINS_MAX 8
#define S_STASH_MAX 1024      // messages, where a class says nothing
#define S_FLAGS (ZANNI_METHOD_PRIVATE | ZANNI_METHOD_HIGH | ZANNI_METHOD_REPEATABLE)
#define S_RESERVED "zanni."

typedef struct {
    const zanni_class_t *definition;
    size_t position;        // in the caller's array, from 1
    zanni__class_t *made;   // NULL: not yet
} s_entry_t;

/* One registration: what is to be made, and what is being looked at, for the text of a fault. */
typedef struct {
    s_entry_t *entries;
    size_t count;
    const s_entry_t *at;
    const zanni_method_t *method;   // NULL: the class itself
    const zanni_class_t *faulty;
    bool ours;                      // names may begin as zanni's do
    zanni_error_t error;
} s_plan_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;   // guards the three, and what is made of own classes
static _Atomic (zanni__class_t *) s_buckets [S_BUCKETS];     // read without it
static zanni_error_t s_kept_fault;                           // of zanni_init; code 0: none
static const zanni_class_t *s_kept_class;                    // whose it is, or NULL

static const zanni_class_t s_none_definition = { .name = "" };
static zanni__method_t s_none_methods [S_BUILTINS_MAX];
static const zanni__method_t *s_none_slots [2 * S_BUILTINS_MAX];
zanni__class_t zanni__none = {
    .definition = &s_none_definition, .start_in = "", .methods = s_none_methods, .stash_max = S_STASH_MAX,
    .mask = 2 * S_BUILTINS_MAX - 1, .slots = s_none_slots
};
static pthread_once_t s_none_once = PTHREAD_ONCE_INIT;

static bool
s_printable (const char *name)
{
    return name && *name && zanni__text_valid (name, strlen (name));
}

/* Writes what a fault is about, `class "counter", method "add"`; a name that cannot be printed as its position. */
static size_t
s_subject (const s_plan_t *plan, char *text, size_t size)
{
    const zanni_class_t *definition = plan->at->definition;
    const zanni_method_t *method = plan->method;
    int used = s_printable (definition->name)
        ? snprintf (text, size, "class \"%.63s\"", definition->name)
        : snprintf (text, size, "class %zu of the array", plan->at->position);
    if (!method)
        return (size_t) used;
    used += s_printable (method->name)
        ? snprintf (text + used, size - (size_t) used, ", method \"%.63s\"", method->name)
        : snprintf (text + used, size - (size_t) used, ", method %td", method - definition->methods + 1);
    return (size_t) used;
}

/* Notes what is wrong with the class or method at hand; the format goes on behind its name. */
__attribute__ ((format (printf, 2, 3))) static int
s_fault (s_plan_t *plan, const char *format, ...)
{
    va_list values;
    zanni_error_t *error = &plan->error;
    size_t used = s_subject (plan, error->text, sizeof error->text);
    error->code = ZANNI_ECLASS;
    plan->faulty = plan->at->definition;
    va_start (values, format);
    vsnprintf (error->text + used, sizeof error->text - used, format, values);
    va_end (values);
    return error->code;
}

/* Notes what is wrong with the whole call. */
__attribute__ ((format (printf, 3, 4))) static int
s_refuse (s_plan_t *plan, int code, const char *format, ...)
{
    va_list values;
    plan->error.code = code;
    va_start (values, format);
    vsnprintf (plan->error.text, sizeof plan->error.text, format, values);
    va_end (values);
    return code;
}

static int
s_check_name (s_plan_t *plan, const char *name)
{
    if (!name || !*name)
        return s_fault (plan, " has no name");
    size_t size = strlen (name);
    if (!zanni__text_valid (name, size))
        return s_fault (plan, " has a name that is not UTF-8");
    if (size > S_NAME_MAX)
        return s_fault (plan, " has a name of %zu bytes, at most %d are possible", size, S_NAME_MAX);
    if (!plan->ours && strncmp (name, S_RESERVED, sizeof S_RESERVED - 1) == 0)
        return s_fault (plan, ": names beginning with \"%s\" are zanni's own: choose another", S_RESERVED);
    return 0;
}

static int
s_check_signature (s_plan_t *plan, const char *what, const char *signature)
{
    if (!signature)
        return s_fault (plan, ": %s is NULL, \"\" is the signature of nothing", what);
    int position = zanni__signature_check (signature);
    if (!position)
        return 0;
    if ((size_t) position > strlen (signature))
        return s_fault (plan, ": %s \"%s\" ends too early", what, signature);
    return s_fault (plan, ": %s \"%s\" is no signature, letter %d is wrong", what, signature, position);
}

static int
s_check_text (s_plan_t *plan, const char *text)
{
    if (text && !zanni__text_valid (text, strlen (text)))
        return s_fault (plan, ": its text is not UTF-8");
    return 0;
}

static int
s_check_method (s_plan_t *plan, const zanni_method_t *method)
{
    int rc = s_check_name (plan, method->name);
    if (!rc)
        rc = s_check_signature (plan, "in", method->in);
    if (!rc)
        rc = s_check_signature (plan, "out", method->out);
    if (!rc)
        rc = s_check_text (plan, method->text);
    if (!rc && !method->handler && !plan->at->definition->run)   // a loop actor reads
        rc = s_fault (plan, " has no handler");
    if (!rc && (method->flags & ~S_FLAGS))
        rc = s_fault (plan, " has unknown flags 0x%x", method->flags & ~S_FLAGS);
    if (!rc && method->result && strcmp (method->out, "r") != 0)
        rc = s_fault (plan, " answers with objects of \"%s\", that is with a reference: its out is to be \"r\", not \"%s\"",
                      method->result, method->out);
    return rc;
}

/* A forgotten name is not taken for the table's end as long as there is a handler. */
static bool
s_is_end (const zanni_method_t *method)
{
    return !method->name && !method->handler;
}

static int
s_check_methods (s_plan_t *plan, const zanni_method_t *methods)
{
    int rc = 0;
    for (size_t i = 0; !rc && methods && !s_is_end (&methods [i]); i++) {
        if (i == S_METHODS_MAX)
            return s_fault (plan, " has over %d methods, or its table lacks ZANNI_METHOD_END", S_METHODS_MAX);
        plan->method = &methods [i];
        rc = s_check_method (plan, plan->method);
        plan->method = NULL;
    }
    return rc;
}

static bool
s_is_last (const zanni_property_t *property)
{
    return !property->field.name;
}

#define S_SET "set_"   // before the name of a property

/* The methods of a property, whose second has this name; how many they are. */
static size_t
s_methods_of (const zanni_property_t *property, const char *set, zanni_method_t methods [2])
{
    const char *letter = zanni__property_letter (property);
    unsigned flags = property->flags & ZANNI_PROPERTY_PRIVATE ? ZANNI_METHOD_PRIVATE : 0;
    methods [0] = (zanni_method_t) {
        .name = property->field.name, .in = "", .out = letter, .handler = zanni__property_get, .text = property->text,
        .flags = flags
    };
    methods [1] = (zanni_method_t) {
        .name = set, .in = letter, .out = "", .handler = zanni__property_set, .text = property->text, .flags = flags
    };
    return property->flags & ZANNI_PROPERTY_READ_ONLY ? 1 : 2;
}

static int
s_check_property (s_plan_t *plan, const zanni_class_t *definition, const zanni_property_t *property)
{
    zanni_method_t methods [2];
    char set [sizeof S_SET + S_NAME_MAX + 1];
    snprintf (set, sizeof set, S_SET "%s", property->field.name);
    size_t count = s_methods_of (property, set, methods);
    plan->method = methods;
    if (!methods [0].out)
        return s_fault (plan, ": a member of its type is no property");
    if (property->flags & ~(ZANNI_PROPERTY_READ_ONLY | ZANNI_PROPERTY_PRIVATE))
        return s_fault (plan, " has unknown flags 0x%x", property->flags);
    if ((size_t) property->field.offset + property->field.size > definition->state_size)
        return s_fault (plan, ": it lies outside of the state, which has %zu bytes", definition->state_size);
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        plan->method = &methods [i];
        rc = s_check_method (plan, plan->method);
    }
    plan->method = NULL;
    return rc;
}

static int
s_check_properties (s_plan_t *plan, const zanni_class_t *definition)
{
    int rc = 0;
    const zanni_property_t *all = definition->properties;
    for (size_t i = 0; !rc && all && !s_is_last (&all [i]); i++) {
        if (i == S_METHODS_MAX)
            return s_fault (plan, " has over %d properties, or their table lacks ZANNI_PROPERTY_END", S_METHODS_MAX);
        rc = s_check_property (plan, definition, &all [i]);
    }
    return rc;
}

static int
s_check_definition (s_plan_t *plan, const zanni_class_t *definition)
{
    int rc = s_check_name (plan, definition->name);
    if (!rc && definition->start_in)
        rc = s_check_signature (plan, "start_in", definition->start_in);
    if (!rc)
        rc = s_check_text (plan, definition->text);
    if (!rc && definition->state_size > S_STATE_MAX)
        rc = s_fault (plan, ": its state has %zu bytes, at most %zu are possible", definition->state_size, S_STATE_MAX);
    if (!rc)
        rc = s_check_methods (plan, definition->methods);
    return rc ? rc : s_check_properties (plan, definition);
}

static bool
s_same_text (const char *one, const char *other)
{
    return one == other || (one && other && strcmp (one, other) == 0);
}

static bool
s_same_method (const zanni_method_t *one, const zanni_method_t *other)
{
    return s_same_text (one->name, other->name) && s_same_text (one->in, other->in)
        && s_same_text (one->out, other->out) && one->handler == other->handler
        && s_same_text (one->text, other->text) && one->flags == other->flags
        && s_same_text (one->result, other->result);
}

static bool
s_same_methods (const zanni_method_t *one, const zanni_method_t *other)
{
    static const zanni_method_t end = ZANNI_METHOD_END;
    one = one ? one : &end;
    other = other ? other : &end;
    while (!s_is_end (one) && s_same_method (one, other))
        one++, other++;
    return s_is_end (one) && s_is_end (other);
}

static bool
s_same_properties (const zanni_property_t *one, const zanni_property_t *other)
{
    static const zanni_property_t end = ZANNI_PROPERTY_END;
    one = one ? one : &end;
    other = other ? other : &end;
    for (; !s_is_last (one) && !s_is_last (other); one++, other++)
        if (!s_same_text (one->field.name, other->field.name) || one->field.kind != other->field.kind
            || one->field.offset != other->field.offset || one->field.size != other->field.size
            || one->flags != other->flags || !s_same_text (one->text, other->text))
            return false;
    return s_is_last (one) && s_is_last (other);
}

static bool
s_same_definition (const zanni_class_t *one, const zanni_class_t *other)
{
    if (one == other)
        return true;
    return s_same_text (one->name, other->name) && s_same_text (one->parent, other->parent)
        && one->state_size == other->state_size && s_same_methods (one->methods, other->methods)
        && s_same_text (one->start_in, other->start_in) && one->start == other->start
        && one->stop == other->stop && one->down == other->down && one->run == other->run
        && one->stash_max == other->stash_max && s_same_properties (one->properties, other->properties)
        && s_same_text (one->text, other->text);
}

/* Where a method of this name is, or would be. */
static const zanni__method_t **
s_slot (const zanni__class_t *cls, const char *name)
{
    uint32_t slot = zanni__hash_name (name);
    while (cls->slots [slot & cls->mask] && !zanni__same_name (cls->slots [slot & cls->mask]->name, name))
        slot++;
    return &cls->slots [slot & cls->mask];
}

static zanni__method_t *
s_add_method (zanni__class_t *cls, const zanni__method_t **slot)
{
    zanni__assert (!*slot && cls->methods_count <= cls->mask / 2);
    zanni__method_t *method = &cls->methods [cls->methods_count++];
    *slot = method;
    return method;
}

static zanni__method_t
s_method_of (const zanni_method_t *definition)
{
    return (zanni__method_t) {
        .name = definition->name, .in = definition->in, .out = definition->out, .handler = definition->handler,
        .text = definition->text, .flags = definition->flags, .result = definition->result
    };
}

/* The class is whole but for what says whose all that is. */
static void
s_sign (zanni__class_t *cls)
{
    static const char *const names [ZANNI__HOOKS] = { "start", "stop", "run", "down", "answer", "exit" };
    for (uint32_t i = 0; i < cls->methods_count; i++)
        cls->methods [i].cls = cls;
    for (size_t i = 0; i < ZANNI__HOOKS; i++)
        cls->hooks [i] = (zanni__method_t) { .name = names [i], .hook = true, .cls = cls };
}

static void
s_none_fill (void)
{
    for (const zanni_method_t *method = zanni__builtin_methods; !s_is_end (method); method++) {
        zanni__assert (zanni__none.methods_count < S_BUILTINS_MAX);
        zanni__method_t *own = s_add_method (&zanni__none, s_slot (&zanni__none, method->name));
        *own = s_method_of (method);
        own->builtin = true;
    }
    s_sign (&zanni__none);
}

static int
s_check_override (s_plan_t *plan, const zanni__method_t *method, const zanni__class_t *parent)
{
    const zanni__method_t *super = method->super;
    if (!super)
        return 0;
    const char *name = parent->definition->name;
    if (strcmp (method->in, super->in) != 0 || strcmp (method->out, super->out) != 0)
        return s_fault (plan, " takes \"%s\" and answers \"%s\", but overrides one of \"%s\" with \"%s\" and \"%s\"",
                        method->in, method->out, name, super->in, super->out);
    if ((method->flags ^ super->flags) & ZANNI_METHOD_PRIVATE)
        return s_fault (plan, ": it and the one of \"%s\" that it overrides must both be private, or neither", name);
    return 0;
}

/* The class to be made with this name, or NULL. */
static s_entry_t *
s_planned (const s_plan_t *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp (plan->entries [i].definition->name, name) == 0)
            return &plan->entries [i];
    return NULL;
}

static int
s_check_result (s_plan_t *plan, const zanni__method_t *method)
{
    if (!method->result || zanni__class_find (method->result) || s_planned (plan, method->result))
        return 0;
    return s_fault (plan, " answers with objects of \"%s\", and no class has that name: register it before or with this one",
                    method->result);
}

static int
s_add_own (s_plan_t *plan, zanni__class_t *cls, const zanni_method_t *definition, const zanni_property_t *property)
{
    const zanni__method_t **slot = s_slot (cls, definition->name);
    plan->method = definition;
    if (*slot)
        return s_fault (plan, " stands in the table twice");
    zanni__method_t *method = s_add_method (cls, slot);
    *method = s_method_of (definition);
    method->property = property;
    if (cls->parent)
        method->super = zanni__class_method (cls->parent, definition->name);
    int rc = s_check_override (plan, method, cls->parent);
    if (!rc)
        rc = s_check_result (plan, method);
    plan->method = NULL;
    return rc;
}

/* The names of their sets stand at the end of the class's memory. */
static int
s_add_properties (s_plan_t *plan, zanni__class_t *cls)
{
    int rc = 0;
    zanni_method_t methods [2];
    char *name = (char *) (cls->slots + cls->mask + 1);
    const zanni_property_t *at = cls->definition->properties;
    for (; !rc && at && !s_is_last (at); at++) {
        int size = sprintf (name, S_SET "%s", at->field.name);
        size_t count = s_methods_of (at, name, methods);
        for (size_t i = 0; !rc && i < count; i++)
            rc = s_add_own (plan, cls, &methods [i], at);
        name += size + 1;
    }
    return rc;
}

static int
s_add_methods (s_plan_t *plan, zanni__class_t *cls, const zanni__class_t *base)
{
    int rc = 0;
    const zanni_method_t *own = cls->definition->methods;
    for (; !rc && own && !s_is_end (own); own++)
        rc = s_add_own (plan, cls, own, NULL);
    if (!rc)
        rc = s_add_properties (plan, cls);
    for (uint32_t i = 0; !rc && i < base->methods_count; i++) {
        const zanni__method_t **slot = s_slot (cls, base->methods [i].name);
        if (!*slot)
            *s_add_method (cls, slot) = base->methods [i];
    }
    for (uint32_t i = 0; i < cls->methods_count; i++)
        cls->has_high |= (cls->methods [i].flags & ZANNI_METHOD_HIGH) != 0;
    if (!rc && cls->methods_count > S_METHODS_MAX)
        rc = s_fault (plan, " has %u methods with the inherited ones, at most %d are possible", cls->methods_count,
                      S_METHODS_MAX);
    s_sign (cls);
    return rc;
}

static int
s_check_parent (s_plan_t *plan, const zanni_class_t *definition, const zanni__class_t *parent)
{
    size_t depth = 2;
    for (const zanni__class_t *elder = parent->parent; elder; elder = elder->parent)
        depth++;
    if (depth > S_DEPTH_MAX)
        return s_fault (plan, " has %zu ancestors, at most %d are possible", depth - 1, S_DEPTH_MAX - 1);
    if (definition->state_size < parent->state_size)
        return s_fault (plan, ": its state has %zu bytes, that of its parent \"%s\" %zu: begin its struct with the "
                        "parent's", definition->state_size, parent->definition->name, parent->state_size);
    if (definition->start_in && !zanni__signature_extends (definition->start_in, parent->start_in))
        return s_fault (plan, ": start_in \"%s\" must begin with \"%s\", that of its parent \"%s\"",
                        definition->start_in, parent->start_in, parent->definition->name);
    return 0;
}

/* One block with room for so many methods, and bytes of names; everything is zero but what leads to the room. */
static zanni__class_t *
s_class_new (size_t methods, size_t names)
{
    size_t slots = 2;
    while (slots < 2 * methods)
        slots *= 2;
    size_t size = sizeof (zanni__class_t) + methods * sizeof (zanni__method_t) + slots * sizeof (zanni__method_t *);
    zanni__class_t *cls = zanni__calloc (size + names);
    if (!cls)
        return NULL;
    cls->methods = (zanni__method_t *) (cls + 1);
    cls->slots = (const zanni__method_t **) (cls->methods + methods);
    cls->mask = (uint32_t) slots - 1;
    return cls;
}

static void
s_inherit (zanni__class_t *cls, const zanni_class_t *definition, const zanni__class_t *base)
{
    cls->definition = definition;
    cls->parent = base == &zanni__none ? NULL : base;
    cls->start_in = definition->start_in ? definition->start_in : base->start_in;
    cls->state_size = definition->state_size;
    cls->has_start = definition->start || base->has_start;
    cls->has_down = definition->down || base->has_down;
    cls->has_exit = definition->exit || base->has_exit;
    cls->run = definition->run ? definition->run : base->run;
    cls->stash_max = definition->stash_max ? definition->stash_max : base->stash_max;
}

static int
s_compile (s_plan_t *plan, s_entry_t *entry, const zanni__class_t *parent)
{
    const zanni_class_t *definition = entry->definition;
    const zanni__class_t *base = parent ? parent : zanni__class_none ();
    size_t methods = base->methods_count, names = 0;
    plan->at = entry;
    int rc = parent ? s_check_parent (plan, definition, parent) : 0;
    if (rc)
        return rc;
    for (const zanni_method_t *own = definition->methods; own && !s_is_end (own); own++)
        methods++;
    for (const zanni_property_t *at = definition->properties; at && !s_is_last (at); at++) {
        methods += 2;
        names += sizeof S_SET + strlen (at->field.name);
    }
    zanni__class_t *cls = s_class_new (methods, names);
    if (!cls)
        return s_refuse (plan, ZANNI_ENOMEM, "%s", zanni_strerror (ZANNI_ENOMEM));
    s_inherit (cls, definition, base);
    entry->made = cls;   // from here on the plan frees it
    return s_add_methods (plan, cls, base);
}

static void
s_show (zanni__class_t *cls)
{
    _Atomic (zanni__class_t *) *bucket = &s_buckets [zanni__hash_name (cls->definition->name) & (S_BUCKETS - 1)];
    cls->next = atomic_load_explicit (bucket, memory_order_relaxed);
    atomic_store_explicit (bucket, cls, memory_order_release);   // pairs with the load in zanni__class_named
}

/* With the lock. */
static int
s_make_own (zanni__own_class_t *own)
{
    s_entry_t entry = { .definition = own->definition, .position = 1 };
    s_plan_t plan = { .entries = &entry, .count = 1, .at = &entry };
    int rc = s_compile (&plan, &entry, NULL);
    zanni__assert (!rc || rc == ZANNI_ENOMEM);
    if (rc)
        return rc;
    own->made = entry.made;
    own->made->any = own->any;
    own->made->closing = own->closing;
    own->made->tidies = own->tidies;
    own->made->sealed = own->named;
    if (own->named)
        s_show (own->made);
    return 0;
}

int
zanni__class_own (const zanni__class_t **cls_p, zanni__own_class_t *own)
{
    pthread_mutex_lock (&s_lock);
    int rc = own->made ? 0 : s_make_own (own);
    *cls_p = own->made;
    pthread_mutex_unlock (&s_lock);
    return rc;
}

/* Takes one definition in, unless it is there already. */
static int
s_admit (s_plan_t *plan, const zanni_class_t *definition, size_t position)
{
    s_entry_t *entry = &plan->entries [plan->count];
    *entry = (s_entry_t) { .definition = definition, .position = position };
    plan->at = entry;
    int rc = s_check_definition (plan, definition);
    if (rc)
        return rc;
    const zanni__class_t *registered = zanni__class_find (definition->name);
    const s_entry_t *planned = s_planned (plan, definition->name);
    const zanni_class_t *known = registered ? registered->definition : planned ? planned->definition : NULL;
    if (!known)
        plan->count++;
    else if (!s_same_definition (definition, known))
        return s_fault (plan, ": this name is taken by another definition: choose another");
    return 0;
}

/* What a class is compiled on top of: *parent_p, NULL where it has none or that is only planned; then the answer is
   its entry. */
static int
s_find_parent (s_plan_t *plan, const s_entry_t *entry, const zanni__class_t **parent_p, s_entry_t **elder_p)
{
    const char *name = entry->definition->parent;
    *elder_p = NULL;
    *parent_p = name ? zanni__class_find (name) : NULL;
    if (!name || *parent_p)
        return 0;
    s_entry_t *elder = s_planned (plan, name);
    plan->at = entry;
    if (!elder)
        return s_fault (plan, ": no class has the name of its parent, \"%s\": register that before or with it", name);
    *parent_p = elder->made;
    *elder_p = elder->made ? NULL : elder;
    return 0;
}

/* Makes the eldest class that is missing between this one and the known ones. More steps up than there are classes
   only fit in a circle. */
static int
s_make_eldest (s_plan_t *plan, s_entry_t *entry)
{
    for (size_t steps = 0; steps <= plan->count; steps++) {
        const zanni__class_t *parent;
        s_entry_t *elder;
        int rc = s_find_parent (plan, entry, &parent, &elder);
        if (rc)
            return rc;
        if (!elder)
            return s_compile (plan, entry, parent);
        entry = elder;
    }
    plan->at = entry;
    return s_fault (plan, " inherits from itself, by its parent \"%s\"", entry->definition->parent);
}

static int
s_make_all (s_plan_t *plan)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < plan->count; i++)
        while (!rc && !plan->entries [i].made)
            rc = s_make_eldest (plan, &plan->entries [i]);
    return rc;
}

static int
s_read_plan (s_plan_t *plan, const zanni_class_t *const *classes)
{
    int rc = 0;
    size_t count = 0;
    while (count <= S_CLASSES_MAX && classes [count])
        count++;
    if (count > S_CLASSES_MAX)
        return s_refuse (plan, ZANNI_ECLASS, "over %d classes in one call, or the array does not end with NULL",
                         S_CLASSES_MAX);
    if (count == 0)
        return 0;
    plan->entries = zanni__malloc (count * sizeof *plan->entries);
    if (!plan->entries)
        return s_refuse (plan, ZANNI_ENOMEM, "%s", zanni_strerror (ZANNI_ENOMEM));
    for (size_t i = 0; !rc && i < count; i++)
        rc = s_admit (plan, classes [i], i + 1);
    return rc;
}

static void
s_end_plan (s_plan_t *plan, bool show)
{
    for (size_t i = 0; i < plan->count; i++)
        if (show)
            s_show (plan->entries [i].made);
        else
            zanni__free (plan->entries [i].made);
    zanni__free (plan->entries);
}

/* With the lock. */
static int
s_register (s_plan_t *plan, const zanni_class_t *const *classes, bool ours)
{
    *plan = (s_plan_t) { .faulty = classes ? classes [0] : NULL, .ours = ours };
    int rc = classes ? s_read_plan (plan, classes) : s_refuse (plan, ZANNI_EINVAL, "no array of classes");
    if (!rc)
        rc = s_make_all (plan);
    for (size_t i = 0; ours && !rc && i < plan->count; i++)
        plan->entries [i].made->tidies = true;
    s_end_plan (plan, rc == 0);
    return rc;
}

int
zanni_register (const zanni_class_t *const *classes, zanni_error_t *error)
{
    s_plan_t plan;
    pthread_mutex_lock (&s_lock);
    int rc = s_register (&plan, classes, false);
    pthread_mutex_unlock (&s_lock);
    if (rc && error)
        *error = plan.error;
    return rc;
}

int
zanni__class_ready (const zanni_class_t *const *classes)
{
    s_plan_t plan;
    pthread_mutex_lock (&s_lock);
    int rc = s_register (&plan, classes, true);
    pthread_mutex_unlock (&s_lock);
    zanni__assert (!rc || rc == ZANNI_ENOMEM);
    return rc;
}

/* The kept fault stands until its class is registered after all: memory is there again, a module brought the
   parent. With the lock. */
static int
s_standing_fault (void)
{
    const zanni__class_t *cls = s_kept_class ? zanni__class_find (s_kept_class->name) : NULL;
    return cls && s_same_definition (cls->definition, s_kept_class) ? 0 : s_kept_fault.code;
}

/* The first fault is kept, since it is the one to mend first. */
int
zanni__class_init (const zanni_class_t *const *classes)
{
    s_plan_t plan;
    pthread_mutex_lock (&s_lock);
    int rc = s_register (&plan, classes, false);
    if (rc && !s_standing_fault ()) {
        s_kept_fault = plan.error;
        s_kept_class = plan.faulty;
    }
    pthread_mutex_unlock (&s_lock);
    return rc;
}

int
zanni__class_fault (zanni_error_t *error)
{
    pthread_mutex_lock (&s_lock);
    int rc = s_standing_fault ();
    if (rc && error)
        *error = s_kept_fault;
    pthread_mutex_unlock (&s_lock);
    return rc;
}

const zanni__class_t *
zanni__class_named (const char *name)
{
    if (!name)
        return NULL;
    /* Acquire: pairs with the release in s_show, so that the class and what lies behind it are there. */
    const zanni__class_t *cls =
        atomic_load_explicit (&s_buckets [zanni__hash_name (name) & (S_BUCKETS - 1)], memory_order_acquire);
    while (cls && !zanni__same_name (cls->definition->name, name))
        cls = cls->next;
    return cls;
}

const zanni__class_t *
zanni__class_find (const char *name)
{
    const zanni__class_t *cls = zanni__class_named (name);
    return cls && !cls->sealed ? cls : NULL;
}

const zanni__class_t *
zanni__class_none (void)
{
    pthread_once (&s_none_once, s_none_fill);
    return &zanni__none;
}
