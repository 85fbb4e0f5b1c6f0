/* property.h: members of an actor's state that are got and set by messages, without a handler written for each.

   A class names them in a table (zanni_class_t.properties). For a member `width` it then has the method "width",
   which answers it, and "set_width", which takes another value: methods like any others, which zanni_describe lists,
   children inherit and may override, and whose arguments are checked. A set that does not fit says so and changes
   nothing.

       static const zanni_property_t box_properties [] = {
           ZANNI_PROPERTY (box_t, width, 0, "In mm."),
           ZANNI_PROPERTY (box_t, sold, ZANNI_PROPERTY_READ_ONLY, "How many."),
           ZANNI_PROPERTY_END
       };

   A member is a bool (b), an integer (uint8 y, others up to 32 bits i or u, of 64 bits x or t), a float or double
   (d), char [n] (s: one that is longer is ZANNI_ETOOBIG), unsigned char [n] (ay: exactly n bytes, else ZANNI_EARGS),
   or a zanni_buffer_t * (B: ZANNI_ENOKEY while there is none; the actor has a count of it, which its stop hook gives
   back).

   SPDX-License-Identifier: MPL-2.0 */

#ifndef ZANNI_PROPERTY_H
#define ZANNI_PROPERTY_H

#include "type.h"

#define ZANNI_PROPERTY_READ_ONLY 1u   // has no set
#define ZANNI_PROPERTY_PRIVATE 2u     // only the actor itself gets and sets it: its timers, watches, own tells

struct zanni_property {
    zanni_field_t field;
    unsigned flags;
    const char *text;     // one line for people
};

#define ZANNI_PROPERTY(struct_t, member, flags, text) { ZANNI_FIELD (struct_t, member), flags, text }
#define ZANNI_PROPERTY_END { ZANNI_FIELD_END, 0, NULL }

#endif
