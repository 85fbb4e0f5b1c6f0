/* Places: "http://HOST:PORT,http://HOST:PORT/PREFIX?ca=FILE&cert=FILE&key=FILE". The text is copied and cut at its commas
   and slashes, so that each part is a string of its own. */

#include "place.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_DEFAULT "zanni"

/* The host of "http://HOST:PORT" and "https://HOST:PORT"; NULL: it is neither. */
static const char *
s_host (const char *endpoint)
{
    size_t scheme = !strncmp (endpoint, "http://", 7) ? 7 : !strncmp (endpoint, "https://", 8) ? 8 : 0;
    const char *host = endpoint + scheme, *port = strrchr (host, ':');
    if (!scheme || !port || port == host || strlen (port + 1) > 5 || strspn (port + 1, "0123456789") != strlen (port + 1))
        return NULL;
    int number = atoi (port + 1);
    bool good = number > 0 && number < 65536 && !strpbrk (host, " \t\r\n@?#\"\\");
    return good ? host : NULL;
}

/* Whether what is said there stays on this host, or is encrypted. */
static bool
s_is_closed (const char *endpoint, const char *host)
{
    char text [INET_ADDRSTRLEN] = "";
    struct in_addr address;
    size_t size = (size_t) (strrchr (host, ':') - host);
    memcpy (text, host, size < sizeof text ? size : 0);
    bool numbers = inet_pton (AF_INET, text, &address) == 1;   // and no name that looks like that
    return !strncmp (endpoint, "https:", 6) || (numbers && !strncmp (host, "127.", 4))
           || !strncmp (host, "localhost:", 10) || !strncmp (host, "[::1]:", 6);
}

static bool
s_read_endpoints (zanni__etcd_place_t *place, char *at)
{
    char *rest = NULL;
    for (char *one = strtok_r (at, ",", &rest); one; one = strtok_r (NULL, ",", &rest)) {
        const char *host = s_host (one);
        if (!host || place->endpoints_count == ZANNI__ETCD_ENDPOINTS)
            return false;
        place->endpoints [place->endpoints_count++] = one;
        place->open |= !s_is_closed (one, host);
    }
    return place->endpoints_count > 0;
}

static bool
s_read_files (zanni__etcd_place_t *place, char *at)
{
    char *rest = NULL;
    for (char *one = at ? strtok_r (at, "&", &rest) : NULL; one; one = strtok_r (NULL, "&", &rest)) {
        const char **file = !strncmp (one, "ca=", 3) ? &place->ca : !strncmp (one, "cert=", 5) ? &place->cert
                            : !strncmp (one, "key=", 4) ? &place->key : NULL;
        const char *value = strchr (one, '=');
        if (!file || !value || !value [1])
            return false;
        *file = value + 1;
    }
    return !place->cert == !place->key;
}

static bool
s_read_prefix (zanni__etcd_place_t *place, const char *given)
{
    const char *prefix = given && *given ? given : S_DEFAULT;
    const char *slash = prefix [strlen (prefix) - 1] == '/' ? "" : "/";
    int size = snprintf (place->prefix, sizeof place->prefix, "%s%s", prefix, slash);
    return size > 0 && (size_t) size < sizeof place->prefix;
}

/* The end of the last HOST:PORT: the slash behind it, or the end of the text. */
static char *
s_end_of_hosts (char *text)
{
    char *last = strrchr (text, ','), *at = last ? last + 1 : text;
    char *host = strstr (at, "://");
    return (host ? host + 3 : at) + strcspn (host ? host + 3 : at, "/");
}

int
zanni__etcd_place_read (zanni__etcd_place_t *place, const char *text, zanni_error_t *error)
{
    *place = (zanni__etcd_place_t) { .endpoints_count = 0 };
    bool good = strlen (text) < sizeof place->text;
    if (good) {
        strcpy (place->text, text);
        char *files = strchr (place->text, '?');
        if (files)
            *files++ = 0;
        char *prefix = s_end_of_hosts (place->text);
        if (*prefix)
            *prefix++ = 0;
        good = s_read_prefix (place, prefix) && s_read_endpoints (place, place->text) && s_read_files (place, files);
    }
    if (good)
        return 0;
    if (error) {
        zanni_error_reset (error);
        error->code = ZANNI_EINVAL;
        snprintf (error->text, sizeof error->text,
                  "a directory in etcd is \"etcd:http://HOST:PORT\", more with commas, then maybe \"/PREFIX\" and "
                  "\"?ca=FILE&cert=FILE&key=FILE\": what is \"%.80s\"?", text);
    }
    return ZANNI_EINVAL;
}
