/* Certificates: files in ZPL (RFC 4), as czmq's zcert and zcertstore write them, so that one can be used by both.

       curve
           public-key = "40 characters of Z85"
           secret-key = "40 characters of Z85"

   We read them ourselves: zcert_load asserts where memory is out, takes a secret that the whole world can read, and the first
   call of czmq starts all of it, with handlers of signals, before the program has a thread that needs it. What we know are
   the two lines, wherever in the file they stand; the rest is metadata of others. */

#include "cert.h"

#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zanni/trust.h>
#include <zmq.h>

#define S_LETTERS 40

bool
zanni__key_parse (uint8_t key [ZANNI__KEY], const char *text)
{
    static const char letters [] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    uint8_t decoded [ZANNI__KEY];
    if (!text || strlen (text) != S_LETTERS || strspn (text, letters) != S_LETTERS || !zmq_z85_decode (decoded, text))
        return false;
    memcpy (key, decoded, sizeof decoded);
    sodium_memzero (decoded, sizeof decoded);
    return true;
}

const char *
zanni__key_text (char *text, const uint8_t key [ZANNI__KEY])
{
    return zmq_z85_encode (text, key, ZANNI__KEY) ? text : "";
}

/* What stands in quotes behind `name =` on a line of its own; false: there is no such line. */
static bool
s_value (const char *file, const char *name, uint8_t key [ZANNI__KEY])
{
    char value [S_LETTERS + 1] = "";
    size_t size = strlen (name);
    bool good = false;
    for (const char *line = file; line && !good; line = strchr (line, '\n')) {
        line += strspn (line, " \t\r\n");
        if (strncmp (line, name, size))
            continue;
        const char *at = line + size;
        at += strspn (at, " \t");
        if (*at++ != '=')
            continue;
        at += strspn (at, " \t");
        char quote = *at;
        if ((quote != '"' && quote != '\'') || strnlen (at + 1, S_LETTERS + 1) <= S_LETTERS || at [1 + S_LETTERS] != quote)
            continue;
        memcpy (value, at + 1, S_LETTERS);
        good = zanni__key_parse (key, value);
    }
    sodium_memzero (value, sizeof value);
    return good;
}

/* The public key follows from the secret one, so a file whose two are no pair would be refused by everybody. */
static bool
s_is_pair (const uint8_t public_key [ZANNI__KEY], const uint8_t secret_key [ZANNI__KEY])
{
    uint8_t follows [ZANNI__KEY];
    return !crypto_scalarmult_base (follows, secret_key) && !memcmp (follows, public_key, sizeof follows);
}

int
zanni__cert_read (const char *path, uint8_t public_key [ZANNI__KEY], uint8_t *secret_key, char *text, size_t size)
{
    char file [ZANNI__KEYFILE + 1];
    uint8_t public [ZANNI__KEY], secret [ZANNI__KEY] = { 0 };
    int rc = zanni__keyfile_read (file, path, secret_key, text, size);
    if (rc)
        return rc;
    rc = s_value (file, "public-key", public) ? 0 : ZANNI_EAUTH;
    if (rc)
        snprintf (text, size, "%.120s is no certificate: it has no line public-key = \"...\" with 40 characters of Z85", path);
    else if (secret_key && !(s_value (file, "secret-key", secret) && s_is_pair (public, secret))) {
        snprintf (text, size, "%.120s has no secret-key, or one that does not go with its public-key", path);
        rc = ZANNI_EAUTH;
    }
    if (!rc)
        memcpy (public_key, public, sizeof public);
    if (!rc && secret_key)
        memcpy (secret_key, secret, sizeof secret);
    sodium_memzero (file, sizeof file);
    sodium_memzero (secret, sizeof secret);
    return rc;
}

static int
s_write (const char *path, mode_t mode, const char *text)
{
    size_t size = strlen (text);
    int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return ZANNI_ESYSTEM;
    bool good = write (fd, text, size) == (ssize_t) size && !fsync (fd);
    int why = errno;
    good = !close (fd) && good;
    if (good)
        return 0;
    (void) unlink (path);
    errno = why;
    return ZANNI_ESYSTEM;
}

int
zanni_keygen (const char *file)
{
    static const char form [] = "#   A key of zanni, CURVE: %s\n\ncurve\n    public-key = \"%s\"\n";
    char public_key [ZANNI__Z85], secret_key [ZANNI__Z85], beside [4096], text [512];
    if (!file || !*file || strlen (file) + 5 > sizeof beside)
        return ZANNI_EINVAL;
    snprintf (beside, sizeof beside, "%s.pub", file);
    if (zmq_curve_keypair (public_key, secret_key))
        return ZANNI_ESYSTEM;
    int size = snprintf (text, sizeof text, form, "SECRET, for nobody but its node", public_key);
    snprintf (text + size, sizeof text - (size_t) size, "    secret-key = \"%s\"\n", secret_key);
    int rc = s_write (file, 0600, text);
    if (!rc) {
        snprintf (text, sizeof text, form, "public, for those who are to trust it", public_key);
        rc = s_write (beside, 0644, text);
        int why = errno;
        if (rc)
            (void) unlink (file);
        errno = why;
    }
    sodium_memzero (secret_key, sizeof secret_key);
    sodium_memzero (text, sizeof text);
    return rc;
}
