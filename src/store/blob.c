/* Blobs and their ids as text. */

#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
zanni__id_print (const uint8_t id [16], char text [ZANNI__ID_TEXT])
{
    for (int i = 0; i < 16; i++)
        snprintf (text + (size_t) i * 2, 3, "%02x", id [i]);
}

static int
s_digit (char letter)
{
    return letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool
zanni__id_parse (uint8_t id [16], const char *text)
{
    for (int i = 0; i < 16; i++) {
        int high = s_digit (text [2 * i]);
        int low = high < 0 ? -1 : s_digit (text [2 * i + 1]);
        if (low < 0)
            return false;
        id [i] = (uint8_t) (high << 4 | low);
    }
    return true;
}

void
zanni_blob_print (const zanni_blob_t *blob, char text [ZANNI_BLOB_TEXT])
{
    char id [ZANNI__ID_TEXT];
    zanni__id_print (blob->id, id);
    snprintf (text, ZANNI_BLOB_TEXT, "%016" PRIx64 "-%s-%016" PRIx64 "-%016" PRIx64, blob->store, id, blob->size,
              blob->checksum);
}

/* Sixteen digits and what has to stand behind them. */
static bool
s_number (const char **text, uint64_t *number, char behind)
{
    *number = 0;
    for (int i = 0; i < 16; i++) {
        int digit = s_digit (**text);
        if (digit < 0)
            return false;
        *number = *number << 4 | (uint64_t) digit;
        ++*text;
    }
    return *(*text)++ == behind;
}

bool
zanni_blob_parse (zanni_blob_t *blob, const char *text)
{
    zanni_blob_t read;
    if (!s_number (&text, &read.store, '-') || !zanni__id_parse (read.id, text) || text [32] != '-')
        return false;
    text += 33;
    if (!s_number (&text, &read.size, '-') || !s_number (&text, &read.checksum, 0))
        return false;
    *blob = read;
    return true;
}
