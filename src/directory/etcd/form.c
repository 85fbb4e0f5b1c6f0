/* Keys and values in etcd, and its JSON, in which bytes are base64 and numbers of 64 bits are strings. All of it may come
   from strangers, who can write there, too: what is too long, or malformed, is no entry. */

#include "form.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char s_digits [] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
zanni__etcd_folder (char key [ZANNI__ETCD_KEY], const char *prefix, const char *group)
{
    size_t size = (size_t) snprintf (key, ZANNI__ETCD_KEY, "%sgroups/", prefix);
    for (const uint8_t *at = (const uint8_t *) group; *at && size < ZANNI__ETCD_KEY - 64; at++) {
        bool plain = *at > ' ' && *at != '%' && *at != '/' && *at != 0x7f;
        size += (size_t) snprintf (key + size, ZANNI__ETCD_KEY - size, plain ? "%c" : "%%%02X", *at);
    }
    strcpy (key + size, "/");
}

void
zanni__etcd_behind (char key [ZANNI__ETCD_KEY], const char *folder)
{
    size_t size = strlen (folder);
    memcpy (key, folder, size + 1);
    key [size - 1] = '/' + 1;
}

void
zanni__etcd_owner (char owner [40], uint64_t client, uint64_t number)
{
    snprintf (owner, 40, "%016" PRIx64 ".%" PRIx64, client, number);
}

void
zanni__etcd_entry_key (char key [ZANNI__ETCD_KEY], const char *folder, uint64_t client, uint64_t number, bool alone)
{
    char owner [40] = "name";
    size_t size = strlen (folder);
    if (!alone)
        zanni__etcd_owner (owner, client, number);
    memcpy (key, folder, size);
    strcpy (key + size, owner);
}

/* CLIENT.NUMBER; NULL: it is not. Else what is behind it. */
static const char *
s_read_owner (const char *text, uint64_t *client, uint64_t *number)
{
    static const char hex [] = "0123456789abcdef";
    char *end;
    size_t digits = strspn (text, hex);
    if (digits != 16 || text [16] != '.')
        return NULL;
    size_t more = strspn (text + 17, hex);
    if (!more || more > 16)
        return NULL;
    *client = strtoull (text, &end, 16);
    *number = strtoull (text + 17, &end, 16);
    return end;
}

bool
zanni__etcd_read_owner (const char *value, uint64_t *client, uint64_t *number)
{
    const char *end = s_read_owner (value, client, number);
    return end && *end == ' ';
}

/* Whoever can write there must not lead us to an endpoint of this host, which has no keys. */
const char *
zanni__etcd_ref_text (const char *value)
{
    uint64_t client, number;
    const char *text = zanni__etcd_read_owner (value, &client, &number) ? strchr (value, ' ') + 1 : NULL;
    return text && !strncmp (text, "tcp://", 6) ? text : NULL;
}

uint64_t
zanni__etcd_number_of (const char *key, uint64_t client)
{
    uint64_t whose, number;
    const char *slash = strrchr (key, '/'), *end = slash ? s_read_owner (slash + 1, &whose, &number) : NULL;
    return end && !*end && whose == client ? number : 0;
}

json_t *
zanni__etcd_bytes (const char *text)
{
    char out [(ZANNI__ETCD_KEY + 2) / 3 * 4 + 1];
    const uint8_t *in = (const uint8_t *) text;
    size_t size = strnlen (text, ZANNI__ETCD_KEY), at = 0;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t) in [i] << 16 | (left > 1 ? (uint32_t) in [i + 1] << 8 : 0) | (left > 2 ? in [i + 2] : 0);
        out [at++] = s_digits [three >> 18];
        out [at++] = s_digits [three >> 12 & 63];
        out [at++] = left > 1 ? s_digits [three >> 6 & 63] : '=';
        out [at++] = left > 2 ? s_digits [three & 63] : '=';
    }
    return json_stringn (out, at);
}

/* The value of a digit; 64: it is none. */
static uint32_t
s_value (char digit)
{
    const char *at = digit ? strchr (s_digits, digit) : NULL;
    return at ? (uint32_t) (at - s_digits) : 64;
}

bool
zanni__etcd_unbytes (const json_t *json, char *text, size_t room)
{
    const char *in = json_string_value (json);
    size_t size = json_string_length (json), at = 0;
    size_t pad = size && in [size - 1] == '=' ? size > 1 && in [size - 2] == '=' ? 2 : 1 : 0;
    if (!in || size % 4 || size / 4 * 3 - pad >= room)
        return false;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t four = 0;
        size_t bytes = i + 4 == size ? 3 - pad : 3;
        for (size_t k = 0; k < 4; k++) {
            uint32_t value = k <= bytes ? s_value (in [i + k]) : 0;
            if (value == 64)
                return false;
            four = four << 6 | value;
        }
        for (size_t k = 0; k < bytes; k++)
            text [at++] = (char) (four >> (16 - 8 * k) & 0xff);
    }
    text [at] = 0;
    return strlen (text) == at;
}

bool
zanni__etcd_number (const json_t *object, const char *name, uint64_t *number)
{
    const json_t *json = json_object_get (object, name);
    const char *text = json_string_value (json);
    char *end = NULL;
    *number = 0;
    if (json_is_integer (json) && json_integer_value (json) >= 0)
        *number = (uint64_t) json_integer_value (json);
    else if (text && *text >= '0' && *text <= '9') {
        errno = 0;
        *number = strtoull (text, &end, 10);
        return !errno && !*end;
    }
    return !json || json_is_integer (json);
}

/* Whether it is UTF-8, as a string of JSON is. */
static bool
s_is_text (const char *text)
{
    json_t *json = json_string (text);
    json_decref (json);
    return json != NULL;
}

bool
zanni__etcd_read_entry (const json_t *json, zanni__etcd_entry_t *entry)
{
    *entry = (zanni__etcd_entry_t) { .created = 0 };
    if (!json_is_object (json) || !zanni__etcd_number (json, "create_revision", &entry->created)
        || !zanni__etcd_number (json, "mod_revision", &entry->changed))
        return false;
    if (!zanni__etcd_unbytes (json_object_get (json, "key"), entry->key, sizeof entry->key))
        *entry->key = 0;
    if (!zanni__etcd_unbytes (json_object_get (json, "value"), entry->value, sizeof entry->value)
        || !s_is_text (entry->value))
        *entry->value = 0;
    return true;
}
