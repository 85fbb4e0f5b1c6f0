/* place.h: what stands behind "etcd:": endpoints, a prefix of keys, how servers and clients prove who they are. */

#ifndef ZANNI_DIRECTORY_ETCD_PLACE_H
#define ZANNI_DIRECTORY_ETCD_PLACE_H

#include <zanni/sys/directory.h>

#define ZANNI__ETCD_PLACE 512
#define ZANNI__ETCD_ENDPOINTS 16
#define ZANNI__ETCD_PREFIX 128

typedef struct {
    char text [ZANNI__ETCD_PLACE];                   // cut into what follows
    const char *endpoints [ZANNI__ETCD_ENDPOINTS];   // "http://HOST:PORT"
    size_t endpoints_count;
    char prefix [ZANNI__ETCD_PREFIX];                // ends with a slash
    const char *ca, *cert, *key;                     // files; NULL: none
    bool open;                                       // some endpoint is of another host, and without TLS
} zanni__etcd_place_t;

/* Reads HOSTS[/PREFIX][?ca=FILE&cert=FILE&key=FILE]. ZANNI_EINVAL: it makes no sense, as the error (or NULL) says. */
int zanni__etcd_place_read (zanni__etcd_place_t *place, const char *text, zanni_error_t *error);

#endif
