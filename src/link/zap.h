/* zap.h: who is let in by CURVE. libzmq asks a handler in its context about every key that wants to speak to a listener, and
   lets anybody in where there is none: so there is one as long as there is a listener, and it is tried before the first. */

#ifndef ZANNI_LINK_ZAP_H
#define ZANNI_LINK_ZAP_H

#include <stdbool.h>
#include <stdint.h>

#define ZANNI__ZAP_DOMAIN 33   // bytes of a node's id in hexadecimal digits, with a NUL

/* The name by which a node's listeners are asked about. */
void zanni__zap_domain (char domain [ZANNI__ZAP_DOMAIN], const uint8_t id [16]);

/* Who knows whom a domain admits: asked by the handler's thread, until the domain is forgotten. */
typedef struct {
    bool (*admits) (void *context, const uint8_t public_key [32]);
    void (*look) (void *context);   // twice a second; may be NULL
    void *context;
} zanni__zap_asked_t;

/* From now on those may speak in that domain whom it admits. Any thread; blocks some milliseconds. ZANNI_ENOMEM,
   ZANNI_ETHREADS, ZANNI_ESOCKETS, ZANNI_EDESCRIPTORS; ZANNI_EAUTH: keys that are not known are not refused. */
int zanni__zap_allow (const char *domain, const zanni__zap_asked_t *asked);

/* And from now on not any more; nothing happens where it was not. */
void zanni__zap_forget (const char *domain);

#endif
