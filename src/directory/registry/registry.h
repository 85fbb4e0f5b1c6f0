/* registry.h: the actor that answers for a registry. */

#ifndef ZANNI_DIRECTORY_REGISTRY_REGISTRY_H
#define ZANNI_DIRECTORY_REGISTRY_REGISTRY_H

#include "../directory.h"

#define ZANNI__REGISTRY "zanni.registry"   // its class, and how other nodes ask for it

/* Begins one, which nobody is told of yet. */
int zanni__registry_spawn (zanni_t *self, zanni_ref_t **ref_p);

#endif
