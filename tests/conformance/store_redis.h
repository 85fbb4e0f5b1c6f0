/* Tests in a Redis server of their own. */

#ifndef TESTS_CONFORMANCE_STORE_REDIS_H
#define TESTS_CONFORMANCE_STORE_REDIS_H

#include "store.h"
#include "support/redis.h"

static pid_t server;

/* In a server of its own, with one more option. */
static inline void
conform_in_redis_with (const char *option, const char *value, void (*body) (void))
{
    char command [160];
    cr_assert (scratch_new (folder));
    server = redis_start (folder, option, value);
    cr_assert_gt (server, 0, "redis-server does not start");
    snprintf (there, sizeof there, "redis:%s/socket", folder);
    place = ZANNI_PROCESS;
    begin ((zanni_options_t) { .name = "store" });
    body ();
    zanni_store_close (&store);
    end ();
    redis_stop (&server);
    snprintf (command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq (system (command), 0);
}

static void (*redis_body) (void);

static inline void
open_and_do (void)
{
    open_store ((zanni_store_options_t) { .size = 0 });
    redis_body ();
}

static inline void
conform_in_redis (void (*body) (void))
{
    redis_body = body;
    conform_in_redis_with (NULL, NULL, open_and_do);
}

#endif
