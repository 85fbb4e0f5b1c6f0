/* translate.h: what is dialled for an address. */

#ifndef ZANNI_LINK_TRANSLATE_H
#define ZANNI_LINK_TRANSLATE_H

#include "../actor/node.h"

/* For `from` dial `to` from now on, in place of what was said before; NULL: `from` itself. Both fit ZANNI_ENDPOINT_MAX. Any
   thread of the node. ZANNI_ENOMEM. */
int zanni__translation_set (zanni_node_t *node, const char *from, const char *to);
void zanni__translate (zanni_node_t *node, char dialled [ZANNI_ENDPOINT_MAX], const char *endpoint);
void zanni__translations_free (zanni_node_t *node);   // when it ends

#endif
