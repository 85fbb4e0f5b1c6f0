/* All who hold one secret are one principal: each has the same key pair, which Argon2id (RFC 9106) makes of it with a salt
   that is the same everywhere. To try secrets by guessing is slow, then, and to use one takes that time once. */

#include "keys.h"

#include "keyfile.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S_LEAST 16   // bytes

_Static_assert (crypto_box_PUBLICKEYBYTES == ZANNI__KEY && crypto_box_SECRETKEYBYTES == ZANNI__KEY, "keys of Curve25519");

static bool
s_is_long_enough (size_t size)
{
    return size >= S_LEAST && size < sizeof ((zanni__keys_t *) 0)->secret;
}

static int
s_set (zanni_node_t *node, const char *secret, const char *whence, char *text, size_t size)
{
    size_t length = strlen (secret);
    if (!s_is_long_enough (length)) {
        snprintf (text, size, "%.120s: the secret has %zu bytes; it needs %d to %zu", whence, length, S_LEAST,
                  sizeof node->keys.secret - 1);
        return ZANNI_EAUTH;
    }
    memcpy (node->keys.secret, secret, length + 1);
    return 0;
}

static int
s_set_by_file (zanni_node_t *node, const char *path, char *text, size_t size)
{
    char file [ZANNI__KEYFILE + 1];
    int rc = zanni__keyfile_read (file, path, true, text, size);
    if (rc)
        return rc;
    file [strcspn (file, "\r\n")] = 0;
    rc = s_set (node, file, path, text, size);
    sodium_memzero (file, sizeof file);
    return rc;
}

int
zanni__keys_set (zanni_node_t *node, char *text, size_t size)
{
    const zanni_options_t *options = &node->options;
    if (options->secret && options->secret_file) {
        snprintf (text, size, "options.secret and options.secret_file are two secrets; a node has one");
        return ZANNI_EINVAL;
    }
    if (options->secret)
        return s_set (node, options->secret, "options.secret", text, size);
    if (options->secret_file)
        return s_set_by_file (node, options->secret_file, text, size);
    const char *secret = getenv ("ZANNI_SECRET");
    return secret ? s_set (node, secret, "ZANNI_SECRET", text, size) : 0;
}

static int
s_derive (zanni__keypair_t *pair, const char *secret)
{
    static const uint8_t salt [crypto_pwhash_SALTBYTES] = "zanni/1 secret";
    uint8_t seed [crypto_box_SEEDBYTES];
    if (sodium_init () < 0)
        return ZANNI_ESYSTEM;
    if (crypto_pwhash (seed, sizeof seed, secret, strlen (secret), salt, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                       crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13))
        return ZANNI_ENOMEM;
    int failed = crypto_box_seed_keypair (pair->public_key, pair->secret_key, seed);
    sodium_memzero (seed, sizeof seed);
    return failed ? ZANNI_ESYSTEM : 0;
}

int
zanni__keys_derive (zanni__keypair_t *pair, const char *secret)
{
    return s_is_long_enough (strlen (secret)) ? s_derive (pair, secret) : ZANNI_EAUTH;
}

/* Under the lock. */
static int
s_make (const zanni_node_t *node, zanni__keys_t *keys)
{
    int rc = *keys->secret ? s_derive (&keys->pair, keys->secret) : 1;
    if (rc < 0)
        zanni__log (node, ZANNI_LOG_WARNING, "no key can be made of the secret, which takes %d MiB for a moment: %s",
                    (int) (crypto_pwhash_MEMLIMIT_INTERACTIVE >> 20), zanni_strerror (rc));
    if (rc)
        return rc;
    sodium_memzero (keys->secret, sizeof keys->secret);
    /* release: who sees that it is known sees it. */
    atomic_store_explicit (&keys->known, true, memory_order_release);
    return 0;
}

int
zanni__keys_of (zanni_node_t *node, const zanni__keypair_t **pair_p)
{
    zanni__keys_t *keys = &node->keys;
    int rc = 0;
    if (!atomic_load_explicit (&keys->known, memory_order_acquire)) {
        pthread_mutex_lock (&keys->lock);
        if (!atomic_load_explicit (&keys->known, memory_order_relaxed))
            rc = s_make (node, keys);
        pthread_mutex_unlock (&keys->lock);
    }
    if (!rc)
        *pair_p = &keys->pair;
    return rc;
}

void
zanni__keys_wipe (zanni_node_t *node)
{
    sodium_memzero (node->keys.secret, sizeof node->keys.secret);
    sodium_memzero (&node->keys.pair, sizeof node->keys.pair);
    pthread_mutex_destroy (&node->keys.lock);
}
