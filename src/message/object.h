/* object.h: registered types on the wire, as `o`: what packing, checking and reading need of them.

   In the arguments one is an extension of type 6, whose data are three msgpack values in a row: name, version, and the
   array of its fields. */

#ifndef ZANNI_MESSAGE_OBJECT_H
#define ZANNI_MESSAGE_OBJECT_H

#include "message.h"
#include "pack.h"
#include "value.h"

/* One that came. The argument bytes may lie elsewhere when it is passed on, but its handles are the message's. */
struct zanni_object {
    zanni_msg_t *msg;
    const char *name;
    uint32_t version;
    const uint8_t *fields;   // their array, head included
    uint32_t size;
};

/* The same before it was asked for: points into the argument bytes. */
typedef struct {
    const uint8_t *name;
    uint32_t name_size;
    uint32_t version;
    const uint8_t *fields;
    const uint8_t *end;
} zanni__object_view_t;

/* What an extension's data say, without a look into the fields; false: they are no name, version and array. */
bool zanni__object_view (const zanni__value_t *value, zanni__object_view_t *view);

/* Whether a value is a registered type whose every part is well-formed, with indices that are in the table. */
bool zanni__object_valid (const zanni__value_t *value, const zanni__args_t *args);

/* Whether a value is a registered type that has no handles, and so can go into any message. */
bool zanni__object_plain (const zanni__value_t *value);

/* Adds the handles that packing this ZANNI_ARG_TYPED or _OBJECT will keep: of references as many, of buffers at most
   as many. */
void zanni__object_handles (const zanni_arg_t *arg, size_t *refs, size_t *buffers);

/* Write an argument. */
bool zanni__typed_pack (zanni__writer_t *writer, const zanni_typed_t *typed);
bool zanni__object_pack (zanni__writer_t *writer, const zanni_object_t *object);

/* An instance of into->type that lives as long as the message. ZANNI_EARGS: the value is not one, because of *field if
   that is not NULL; ZANNI_ENOMEM; ZANNI_ECLASS: into->type cannot be registered. */
int zanni__typed_read (zanni_msg_t *msg, const zanni__value_t *value, const zanni_into_t *into, void **instance_p,
                       const char **field);

/* What was found instead, in words; NULL: no registered type. */
const char *zanni__typed_words (const zanni__value_t *value, const zanni_into_t *into, const char *field, char *text,
                                size_t size);

/* The value as it is, for as long as the message lives. Same codes. */
int zanni__object_read (zanni_msg_t *msg, const zanni__value_t *value, const zanni_object_t **object_p);

#endif
