/* form.h: how entries stand in etcd: keys, values, base64, and what is read of its answers.

       PREFIX base                                      16 digits, of whoever was first: ids begin there
       PREFIX groups/GROUP/name                         the holder of a name
       PREFIX groups/GROUP/CLIENT.NUMBER                a member

   Both hold "CLIENT.NUMBER REFERENCE". GROUP is a group with %, / and what cannot be printed as %XX; CLIENT and NUMBER are
   hexadecimal. An entry belongs to the lease of its client, which has the client's number. */

#ifndef ZANNI_DIRECTORY_ETCD_FORM_H
#define ZANNI_DIRECTORY_ETCD_FORM_H

#include <jansson.h>
#include <zanni/ref.h>

#define ZANNI__ETCD_GROUP 256
#define ZANNI__ETCD_KEY 1024                      // bytes that a key has at most, its NUL included
#define ZANNI__ETCD_VALUE (ZANNI_REF_TEXT + 64)

typedef struct {
    char key [ZANNI__ETCD_KEY];                   // "": one that is none of ours
    char value [ZANNI__ETCD_VALUE];               // "": likewise
    uint64_t created;                             // revision
    uint64_t changed;
} zanni__etcd_entry_t;

/* The key of a group's folder, with the slash at its end; the first one behind all that is in a folder is the same with
   the digit 0 in place of that slash. */
void zanni__etcd_folder (char key [ZANNI__ETCD_KEY], const char *prefix, const char *group);
void zanni__etcd_behind (char key [ZANNI__ETCD_KEY], const char *folder);

/* The key of an entry, and what is in front of the reference of its value. */
void zanni__etcd_entry_key (char key [ZANNI__ETCD_KEY], const char *folder, uint64_t client, uint64_t number, bool alone);
void zanni__etcd_owner (char owner [40], uint64_t client, uint64_t number);

/* Who has put an entry; false: its value is none of ours. And where the text of its reference begins, which is by tcp; NULL: likewise. */
bool zanni__etcd_read_owner (const char *value, uint64_t *client, uint64_t *number);
const char *zanni__etcd_ref_text (const char *value);

/* The number of the entry of that client that a member's key names; 0: it is none of its. */
uint64_t zanni__etcd_number_of (const char *key, uint64_t client);

/* Bytes as JSON has them; NULL: no memory. A string of JSON back as a string of at most `room` - 1 bytes without NUL. */
json_t *zanni__etcd_bytes (const char *text);
bool zanni__etcd_unbytes (const json_t *json, char *text, size_t room);

/* A number of an object, 0 where it is missing, which a whole number is if it is one, or a string of digits; false: it is
   something else. */
bool zanni__etcd_number (const json_t *object, const char *name, uint64_t *number);

/* An entry of "kvs", or of an event; false: it is malformed. What is no entry of ours has an empty key or value. */
bool zanni__etcd_read_entry (const json_t *json, zanni__etcd_entry_t *entry);

#endif
