/* What a launcher is told at its own beginning; what a child of its hears from it, and says.

   The request comes as the first packet. A spare that becomes the next incarnation of somebody gets that one's sockets with
   it. What a process says about its end is [code, text]; code 0: it came to its end as it should. */

#include "launch.h"
#include "launcher.h"

#include "../wire/reader.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <zanni/sys/place.h>

#define S_HEAD 13   // bytes of what a child says of its end, before its text
#define S_TEXT 111

int
zanni__launcher_fd (void)
{
    const char *value = getenv (ZANNI__LAUNCHER_VARIABLE);
    char *rest;
    int type;
    socklen_t size = sizeof type;
    if (!value)
        return -1;
    long fd = strtol (value, &rest, 10);
    bool good = *value && !*rest && fd >= 0 && fd < INT32_MAX;
    (void) unsetenv (ZANNI__LAUNCHER_VARIABLE);
    if (!good || getsockopt ((int) fd, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET)
        return -1;
    return fcntl ((int) fd, F_SETFD, FD_CLOEXEC) ? -1 : (int) fd;
}

/* The packet, and up to two descriptors, that come with it or not. */
static ssize_t
s_receive (int socket, void *packet, size_t size, zanni__seat_t *seat)
{
    union {
        struct cmsghdr head;
        char bytes [CMSG_SPACE (2 * sizeof (int))];
    } control;
    struct iovec part = { packet, size };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
    };
    ssize_t got = recvmsg (socket, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR (&message) : NULL;
    if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN (2 * sizeof (int))) {
        memcpy (&seat->fd, CMSG_DATA (head), sizeof seat->fd);
        memcpy (&seat->lane_fd, CMSG_DATA (head) + sizeof seat->fd, sizeof seat->lane_fd);
    }
    return got;
}

void
zanni__birth_await (zanni__birth_t *birth)
{
    static _Alignas (zanni__launch_t) char buffer [sizeof (zanni__launch_t) + ZANNI_BRIEF_MAX];
    static zanni__seat_t moved = { .fd = -1, .lane_fd = -1 };
    struct pollfd item = { .fd = birth->control_fd, .events = POLLIN };
    ssize_t size;
    do {
        (void) poll (&item, 1, -1);
        size = s_receive (birth->control_fd, buffer, sizeof buffer, &moved);
    } while (size < 0 && (errno == EINTR || errno == EAGAIN));
    if (size < (ssize_t) sizeof (zanni__launch_t))
        _exit (EXIT_FAILURE);
    const zanni__launch_t *request = (const zanni__launch_t *) (const void *) buffer;
    birth->brief = request + 1;
    birth->brief_size = request->size;
    if (moved.fd >= 0) {
        memcpy (moved.endpoint, request->text + ZANNI__LAUNCH_SECOND, sizeof moved.endpoint);   // ends with NUL
        birth->seat = &moved;
        birth->moved = true;
    }
    (void) prctl (PR_SET_NAME, "zanni child");
}

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

void
zanni__birth_over (const zanni__birth_t *birth)
{
    zanni__birth_failed (birth, 0, "");
}
