/* property.h: properties as classes see them. */

#ifndef ZANNI_ACTOR_PROPERTY_H
#define ZANNI_ACTOR_PROPERTY_H

#include "class.h"

#include <zanni/property.h>

/* The signature of its value, or NULL: a member of that kind is no property. */
const char *zanni__property_letter (const zanni_property_t *property);

/* The handlers of its methods. */
int zanni__property_get (zanni_t *self, zanni_msg_t *msg);
int zanni__property_set (zanni_t *self, zanni_msg_t *msg);

#endif
