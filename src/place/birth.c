/* Why a process actor could not begin, from its own process to the launcher: a report, [code, text], is the last
   thing that is written to the socket between them, and read when the process has ended. */

#include "launcher.h"

#include "../wire/reader.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define S_HEAD 13   // bytes of a report before its text
#define S_TEXT 111

void
zanni__birth_failed (const zanni__birth_t *birth, int code, const char *text)
{
    uint8_t report [S_HEAD + S_TEXT];
    size_t size = strnlen (text, S_TEXT);
    uint64_t number = htobe64 ((uint64_t) (int64_t) code);
    uint16_t length = htobe16 ((uint16_t) size);
    report [0] = 0x92;   // an array of two
    report [1] = 0xd3;   // a signed number of 8 bytes
    memcpy (report + 2, &number, sizeof number);
    report [10] = 0xda;   // a string with a length of 2 bytes
    memcpy (report + 11, &length, sizeof length);
    memcpy (report + S_HEAD, text, size);
    (void) send (birth->control_fd, report, S_HEAD + size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* It comes from a process of the user's own, but is read like a stranger's. */
bool
zanni__birth_report (int control_fd, zanni_reason_t *reason)
{
    uint8_t report [S_HEAD + S_TEXT];
    zanni__value_t code, text;
    uint32_t count;
    ssize_t size = recv (control_fd, report, sizeof report, MSG_DONTWAIT);
    if (size <= 0)
        return false;
    zanni__reader_t reader = zanni__reader (report, (uint32_t) size);
    if (!zanni__reader_array (&reader, &count) || count < 2 || !zanni__reader_next (&reader, &code)
        || !zanni__reader_next (&reader, &text) || text.form != ZANNI__STR)
        return false;
    *reason = (zanni_reason_t) { .kind = ZANNI_EXIT_ERROR, .code = ZANNI_ESYSTEM };
    if (code.form == ZANNI__UINT || code.form == ZANNI__INT)
        reason->code = code.value.i;
    snprintf (reason->text, sizeof reason->text, "%.*s", (int) text.size, (const char *) text.value.data);
    return true;
}
