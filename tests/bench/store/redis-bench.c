/* redis-bench: one plain SET and one GET of 100 MB, per second, with hiredis on a unix socket.

   The program starts a server of its own in a new folder, which keeps nothing (no snapshots, no log of appends) and
   listens on no port; it ends with this program, also where that is killed. The value goes as a binary argument, so
   hiredis copies it once into its output buffer; what comes back is summed in the reply.

   Redis is used by most programs in this way; scripts, pipelines and modules would not change what a value costs. */

#define _GNU_SOURCE

#include "../../support/scratch.h"
#include "../peer.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char s_folder [SCRATCH_PATH];
static char s_path [SCRATCH_PATH + 16];
static pid_t s_server;
static redisContext *s_redis;
static char *s_data;

static void
s_close (void)
{
    if (s_redis)
        redisFree (s_redis);
    kill (s_server, SIGKILL);
    waitpid (s_server, NULL, 0);
    unlink (s_path);
    rmdir (s_folder);
}

/* Answers the descriptor that the server's log can be read from. */
static int
s_start (void)
{
    int fds [2];
    peer_check (scratch_new (s_folder) && !pipe (fds), "mkdtemp");
    snprintf (s_path, sizeof s_path, "%s/socket", s_folder);
    s_server = fork ();
    peer_check (s_server >= 0, "fork");
    if (s_server) {
        atexit (s_close);
        close (fds [1]);
        return fds [0];
    }
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    dup2 (fds [1], STDOUT_FILENO);
    execlp ("redis-server", "redis-server", "--port", "0", "--unixsocket", s_path, "--save", "", "--appendonly", "no",
            "--dir", s_folder, (char *) NULL);
    _exit (127);
}

/* The server's log says when it listens, or ends with the server. */
static void
s_open (void)
{
    char line [256] = "";
    FILE *log = fdopen (s_start (), "r");
    peer_check (log != NULL, "fdopen");
    while (!strstr (line, "eady to accept"))
        peer_check (fgets (line, sizeof line, log) != NULL, "redis-server");
    s_redis = redisConnectUnix (s_path);
    peer_check (s_redis && !s_redis->err, "redisConnectUnix");
    fclose (log);
    s_data = malloc (PEER_100MB);
    peer_check (s_data != NULL, "malloc");
    memset (s_data, 0x5a, PEER_100MB);
}

static void
s_store (int64_t count)
{
    if (!s_redis)
        s_open ();
    for (int64_t i = 0; i < count; i++) {
        redisReply *reply = redisCommand (s_redis, "SET key %b", s_data, PEER_100MB);
        peer_check (reply && reply->type == REDIS_REPLY_STATUS, "SET");
        freeReplyObject (reply);
        reply = redisCommand (s_redis, "GET key");
        peer_check (reply && reply->type == REDIS_REPLY_STRING && reply->len == PEER_100MB, "GET");
        peer_check (peer_sum (reply->str, PEER_100MB) == peer_sum_of (0x5a, PEER_100MB), "the sum");
        freeReplyObject (reply);
    }
}

int
main (int argc, char **argv)
{
    static const peer_case_t cases [] = { { "store-redis", s_store, 1 }, { NULL, NULL, 0 } };
    return peer_main (argc, argv, cases);
}
