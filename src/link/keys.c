/* All who hold one secret are one principal: each has the same key pair, which Argon2id (RFC 9106) makes of it with a salt
   that is the same everywhere. To try secrets by guessing is slow, then, and to use one takes that time once. */

#include "keys.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define S_LEAST 16   // bytes

_Static_assert (crypto_box_PUBLICKEYBYTES == ZANNI__KEY && crypto_box_SECRETKEYBYTES == ZANNI__KEY, "keys of Curve25519");

static bool
s_is_long_enough (size_t size)
{
    return size >= S_LEAST && size < sizeof ((zanni__keys_t *) 0)->secret;
}

int
zanni__keys_set (zanni_node_t *node, const char *secret)
{
    const char *text = secret ? secret : getenv ("ZANNI_SECRET");
    size_t size = text ? strlen (text) : 0;
    if (!text)
        return 0;
    if (!s_is_long_enough (size)) {
        zanni__log (node, ZANNI_LOG_ERROR, "the secret has %zu bytes; it needs %d to %zu", size, S_LEAST,
                    sizeof node->keys.secret - 1);
        return ZANNI_EAUTH;
    }
    memcpy (node->keys.secret, text, size + 1);
    return 0;
}

static bool
s_derive (uint8_t public_key [ZANNI__KEY], uint8_t secret_key [ZANNI__KEY], const char *secret)
{
    static const uint8_t salt [crypto_pwhash_SALTBYTES] = "zanni/1 secret";
    uint8_t seed [crypto_box_SEEDBYTES];
    bool good = sodium_init () >= 0
                && !crypto_pwhash (seed, sizeof seed, secret, strlen (secret), salt, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                   crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13)
                && !crypto_box_seed_keypair (public_key, secret_key, seed);
    sodium_memzero (seed, sizeof seed);
    return good;
}

int
zanni__keys_derive (uint8_t public_key [ZANNI__KEY], uint8_t secret_key [ZANNI__KEY], const char *secret)
{
    return s_is_long_enough (strlen (secret)) && s_derive (public_key, secret_key, secret) ? 0 : ZANNI_EAUTH;
}

const zanni__keys_t *
zanni__keys_of (zanni_node_t *node)
{
    zanni__keys_t *keys = &node->keys;
    if (atomic_load_explicit (&keys->known, memory_order_acquire))
        return keys;
    pthread_mutex_lock (&keys->lock);
    bool known = atomic_load_explicit (&keys->known, memory_order_relaxed);
    if (!known && *keys->secret && s_derive (keys->public_key, keys->secret_key, keys->secret)) {
        sodium_memzero (keys->secret, sizeof keys->secret);
        /* release: who sees that they are known sees them. */
        atomic_store_explicit (&keys->known, true, memory_order_release);
        known = true;
    }
    pthread_mutex_unlock (&keys->lock);
    return known ? keys : NULL;
}

void
zanni__keys_wipe (zanni_node_t *node)
{
    sodium_memzero (node->keys.secret, sizeof node->keys.secret);
    sodium_memzero (node->keys.secret_key, sizeof node->keys.secret_key);
    pthread_mutex_destroy (&node->keys.lock);
}
