/* mail.h: a message that came, as it lies in memory before it is read. */

#ifndef ZANNI_LINK_MAIL_H
#define ZANNI_LINK_MAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <zanni/sys/wire.h>
#include <zmq.h>

typedef struct {
    zmq_msg_t header;
    zmq_msg_t frames [ZANNI_WIRE_FRAMES_MAX];
    uint32_t count;
    uint32_t used;                 // frames that records have taken
    bool crowded;                  // it had more frames than a message may have
} zanni__mail_t;

void zanni__mail_close (zanni__mail_t *mail);

#endif
