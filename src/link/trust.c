/* The keys of a node. Its own certificate does not change. Which key or secret belongs to which address the program says when
   it likes; there are few, so they are a list, and an address is what its text is: nobody is asked what a name means.

   A node's id is chosen by itself, so it is worth what the key says that it came with. Who has a session with a node has a
   claim of its id for the key; while there is one, another key's HELLO for that id is refused. Claims are counted, since a
   node has sessions with several workers, and pulses.

   What is not trusted any more is told by a number (node->distrusts), which workers compare with the one that they saw last. */

#include "trust.h"

#include "../base/memory.h"
#include "cert.h"
#include "keys.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define S_LOOK_NS 400000000

typedef struct s_address {
    struct s_address *next;
    bool nobody;                  // is trusted there, whatever the node's options would say
    bool certified;
    zanni__keypair_t by_secret;   // ours and theirs, where it is not
    uint8_t key [ZANNI__KEY];     // theirs
    char endpoint [ZANNI_ENDPOINT_MAX];
} s_address_t;

typedef struct s_claim {
    struct s_claim *next;
    uint64_t count;
    uint8_t id [16];
    uint8_t key [ZANNI__KEY];
} s_claim_t;

struct zanni__trust {
    pthread_mutex_t lock;            // guards addresses and claims
    bool certified;
    zanni__keypair_t own;
    zanni__admission_t *admission;   // NULL: options.allowed was not said
    s_address_t *addresses;
    s_claim_t *claims;
};

static int
s_read_options (zanni_node_t *node, char *text, size_t size)
{
    struct zanni__trust *trust = node->trust;
    const zanni_options_t *options = &node->options;
    int rc = 0;
    if (options->allowed && !options->certificate) {
        snprintf (text, size, "options.allowed needs a certificate: who may connect has to know a key of this node's");
        return ZANNI_EINVAL;
    }
    if (!options->certificate)
        return 0;
    if (sodium_init () < 0)
        return ZANNI_ESYSTEM;
    rc = zanni__cert_read (options->certificate, trust->own.public_key, trust->own.secret_key, text, size);
    trust->certified = !rc;
    if (!rc && options->allowed)
        rc = zanni__admission_new (&trust->admission, options->allowed, text, size);
    return rc;
}

int
zanni__trust_new (zanni_node_t *node, char *text, size_t size)
{
    node->trust = zanni__calloc (sizeof *node->trust);
    if (!node->trust)
        return ZANNI_ENOMEM;
    pthread_mutex_init (&node->trust->lock, NULL);
    int rc = s_read_options (node, text, size);
    node->options.certificate = node->options.allowed = NULL;
    return rc;
}

static void
s_forget (s_address_t *address)
{
    sodium_memzero (address, sizeof *address);
    zanni__free (address);
}

void
zanni__trust_free (zanni_node_t *node)
{
    struct zanni__trust *trust = node->trust;
    if (!trust)
        return;
    while (trust->addresses) {
        s_address_t *next = trust->addresses->next;
        s_forget (trust->addresses);
        trust->addresses = next;
    }
    while (trust->claims) {
        s_claim_t *next = trust->claims->next;
        zanni__free (trust->claims);
        trust->claims = next;
    }
    zanni__admission_free (trust->admission);
    pthread_mutex_destroy (&trust->lock);
    sodium_memzero (trust, sizeof *trust);
    zanni__free (trust);
    node->trust = NULL;
}

bool
zanni__trust_certified (const zanni_node_t *node)
{
    return node->trust->certified;
}

bool
zanni__trust_has_folder (const zanni_node_t *node)
{
    return node->trust->admission;
}

static int
s_of_secret (zanni_node_t *node, zanni__keypair_t *own)
{
    const zanni__keypair_t *pair;
    int rc = zanni__keys_of (node, &pair);
    if (!rc)
        *own = *pair;
    return rc;
}

int
zanni__trust_listen (zanni_node_t *node, zanni__keypair_t *own)
{
    if (!node->trust->certified)
        return s_of_secret (node, own);
    *own = node->trust->own;
    return 0;
}

/* Under the lock. */
static s_address_t **
s_find (struct zanni__trust *trust, const char *endpoint)
{
    s_address_t **at = &trust->addresses;
    while (*at && strcmp ((*at)->endpoint, endpoint))
        at = &(*at)->next;
    return at;
}

int
zanni__trust_dial (zanni_node_t *node, zanni__dialled_by_t *by, const char *endpoint)
{
    struct zanni__trust *trust = node->trust;
    pthread_mutex_lock (&trust->lock);
    const s_address_t *found = *s_find (trust, endpoint);
    int rc = found && found->nobody ? ZANNI_EAUTH : 0;
    by->certified = false;
    if (found && !rc) {
        by->own = found->certified ? trust->own : found->by_secret;
        by->certified = found->certified;
        memcpy (by->server, found->key, sizeof by->server);
    }
    pthread_mutex_unlock (&trust->lock);
    if (found)
        return rc;
    rc = s_of_secret (node, &by->own);
    if (rc)
        return rc > 0 && trust->certified ? ZANNI_EAUTH : rc;
    memcpy (by->server, by->own.public_key, sizeof by->server);
    return 0;
}

bool
zanni__trust_holds (zanni_node_t *node, const char *endpoint, const uint8_t *key)
{
    zanni__dialled_by_t by;
    int rc = zanni__trust_dial (node, &by, endpoint);
    bool holds = key ? !rc && !memcmp (by.server, key, sizeof by.server) : rc > 0;
    sodium_memzero (&by, sizeof by);
    return holds;
}

static int
s_fill (const struct zanni__trust *trust, s_address_t *address, const uint8_t *key, const char *secret, char *text, size_t size)
{
    address->nobody = !key && !secret;
    if (address->nobody)
        return 0;
    if (key) {
        address->certified = true;
        memcpy (address->key, key, sizeof address->key);
        if (trust->certified)
            return 0;
        snprintf (text, size, "%.100s is to be known by its key, but this node has no certificate to show", address->endpoint);
        return ZANNI_EAUTH;
    }
    int rc = zanni__keys_derive (&address->by_secret, secret);
    memcpy (address->key, address->by_secret.public_key, sizeof address->key);
    if (rc == ZANNI_EAUTH)
        snprintf (text, size, "the secret for %.100s is too short or too long to be one", address->endpoint);
    return rc;
}

static int
s_address_new (const struct zanni__trust *trust, s_address_t **address_p, const char *endpoint, const uint8_t *key,
               const char *secret, char *text, size_t size)
{
    s_address_t *address = zanni__calloc (sizeof *address);
    if (!address)
        return ZANNI_ENOMEM;
    snprintf (address->endpoint, sizeof address->endpoint, "%s", endpoint);
    int rc = s_fill (trust, address, key, secret, text, size);
    if (rc)
        s_forget (address);
    else
        *address_p = address;
    return rc;
}

int
zanni__trust_set (zanni_node_t *node, const char *endpoint, const uint8_t *key, const char *secret, char *text, size_t size)
{
    struct zanni__trust *trust = node->trust;
    s_address_t *address = NULL;
    int rc = s_address_new (trust, &address, endpoint, key, secret, text, size);
    if (rc)
        return rc;
    pthread_mutex_lock (&trust->lock);
    s_address_t **at = s_find (trust, endpoint);
    s_address_t *before = *at;
    if (before)
        *at = before->next;
    address->next = trust->addresses;
    trust->addresses = address;
    pthread_mutex_unlock (&trust->lock);
    if (before)
        s_forget (before);
    /* release: who sees that it has grown sees what is trusted now. */
    atomic_fetch_add_explicit (&node->distrusts, 1, memory_order_release);
    return 0;
}

static s_claim_t **
s_find_claim (struct zanni__trust *trust, const uint8_t id [16])
{
    s_claim_t **at = &trust->claims;
    while (*at && memcmp ((*at)->id, id, sizeof (*at)->id))
        at = &(*at)->next;
    return at;
}

/* Ours is nobody else's. */
static bool
s_is_free (zanni_node_t *node, const uint8_t id [16], const uint8_t key [ZANNI__KEY])
{
    static const uint8_t none [ZANNI__KEY];
    zanni__keypair_t own;
    if (memcmp (id, node->id, sizeof node->id) || !memcmp (key, none, sizeof none))
        return true;
    bool ours = !zanni__trust_listen (node, &own) && !memcmp (own.public_key, key, sizeof own.public_key);
    sodium_memzero (&own, sizeof own);
    return ours;
}

bool
zanni__claim_fits (zanni_node_t *node, const uint8_t id [16], const uint8_t key [ZANNI__KEY])
{
    struct zanni__trust *trust = node->trust;
    if (!s_is_free (node, id, key))
        return false;
    pthread_mutex_lock (&trust->lock);
    const s_claim_t *claim = *s_find_claim (trust, id);
    bool fits = !claim || !memcmp (claim->key, key, sizeof claim->key);
    pthread_mutex_unlock (&trust->lock);
    return fits;
}

bool
zanni__claim_take (zanni_node_t *node, const uint8_t id [16], const uint8_t key [ZANNI__KEY])
{
    struct zanni__trust *trust = node->trust;
    bool taken = s_is_free (node, id, key);
    if (!taken)
        return false;
    pthread_mutex_lock (&trust->lock);
    s_claim_t *claim = *s_find_claim (trust, id);
    if (!claim) {
        claim = zanni__calloc (sizeof *claim);
        if (claim) {
            memcpy (claim->id, id, sizeof claim->id);
            memcpy (claim->key, key, sizeof claim->key);
            claim->next = trust->claims;
            trust->claims = claim;
        }
    }
    taken = claim && !memcmp (claim->key, key, sizeof claim->key);
    if (taken)
        claim->count++;
    pthread_mutex_unlock (&trust->lock);
    return taken;
}

void
zanni__claim_give (zanni_node_t *node, const uint8_t id [16])
{
    struct zanni__trust *trust = node->trust;
    pthread_mutex_lock (&trust->lock);
    s_claim_t **at = s_find_claim (trust, id);
    s_claim_t *claim = *at;
    if (claim && --claim->count == 0) {
        *at = claim->next;
        zanni__free (claim);
    }
    pthread_mutex_unlock (&trust->lock);
}

static bool
s_is_ours (zanni_node_t *node, const uint8_t key [ZANNI__KEY])
{
    const zanni__keypair_t *pair;
    return !zanni__keys_of (node, &pair) && !memcmp (pair->public_key, key, sizeof pair->public_key);
}

bool
zanni__trust_asked (void *context, const uint8_t key [ZANNI__KEY])
{
    zanni_node_t *node = context;
    const struct zanni__trust *trust = node->trust;
    if (!trust->certified)
        return s_is_ours (node, key);
    return trust->admission && zanni__admission_asked (node, trust->admission, key);
}

bool
zanni__trust_admits (zanni_node_t *node, const uint8_t key [ZANNI__KEY])
{
    const struct zanni__trust *trust = node->trust;
    if (!trust->certified)
        return s_is_ours (node, key);
    return trust->admission && zanni__admission_has (trust->admission, key);
}

void
zanni__trust_look (void *context)
{
    zanni_node_t *node = context;
    if (node->trust->admission)
        zanni__admission_look (node, node->trust->admission, S_LOOK_NS);
}
