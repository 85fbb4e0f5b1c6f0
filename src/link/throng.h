/* throng.h: connections that others have made and that have not said who they are. */

#ifndef ZANNI_LINK_THRONG_H
#define ZANNI_LINK_THRONG_H

#include <stdbool.h>
#include <stdint.h>

#define ZANNI__THRONG_MOST 64   // and nobody else is let in until there are fewer
#define ZANNI__THRONG_ROOM 256  // what the kernel had taken in before that comes, too

typedef struct {
    int fd;                      // the socket that listens, our own descriptor of it; 0: not known
    bool shut;
    uint32_t count;
    struct {
        int fd;
        int64_t since_ns;
    } waiting [ZANNI__THRONG_ROOM];
} zanni__throng_t;

bool zanni__throng_listens (zanni__throng_t *throng, int fd);   // false: without a descriptor there is no limit
void zanni__throng_close (zanni__throng_t *throng);
void zanni__throng_came (zanni__throng_t *throng, int fd, int64_t now_ns);
void zanni__throng_left (zanni__throng_t *throng, int fd);   // it is gone, or has said who it is

/* Shuts or opens; whether it was shut just now. `due_ns`: when to ask again; INT64_MAX: when somebody comes or leaves. */
bool zanni__throng_judge (zanni__throng_t *throng, int64_t now_ns, int64_t *due_ns);

#endif
