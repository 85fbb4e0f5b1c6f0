/* directory_etcd.h: the kind of directories in an etcd, which is begun with each test. A crash kills it; the one that
   comes again has what it had. */

#ifndef TESTS_CONFORMANCE_DIRECTORY_ETCD_H
#define TESTS_CONFORMANCE_DIRECTORY_ETCD_H

#include "directory.h"
#include "support/etcd.h"

#include <zanni/etcd.h>

static etcd_t etcd_server;

__attribute__ ((constructor (101))) static void
register_etcd (void)
{
    if (zanni_etcd_register ())
        abort ();
}

static void
etcd_prepare (void)
{
    cr_assert (etcd_new (&etcd_server), "etcd does not start: see %s/log", etcd_server.folder);
}

/* What is published has to be dialled by others. */
static void
etcd_begin_at (const char *client)
{
    cr_assert_eq (zanni_bind (root, "tcp://127.0.0.1:0", NULL), 0);
    snprintf (there, sizeof there, "etcd:%s", client);
    strcpy (far, there);
}

static void
etcd_open_at_it (void)
{
    etcd_begin_at (etcd_server.client);
}

static void
etcd_crash (void)
{
    etcd_kill (&etcd_server);
}

static void
etcd_again (void)
{
    cr_assert (etcd_start (&etcd_server));
}

static void
etcd_finish (void)
{
    cr_assert (etcd_end (&etcd_server));
}

UNUSED static const kind_t in_etcd = { etcd_prepare, etcd_open_at_it, etcd_crash, etcd_again, here_none, etcd_finish };

#endif
