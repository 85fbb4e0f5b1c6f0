/* Trust, as programs say it: keys and secrets of addresses, and what the holders of keys may do. */

#include "../actor/remote/rights.h"
#include "../actor/worker.h"
#include "../base/tcp.h"
#include "../link/cert.h"
#include "../link/trust.h"

#include <stdio.h>
#include <zanni/sys/link.h>
#include <zanni/trust.h>

static int
s_key (uint8_t key [ZANNI__KEY], const char *text, const char *file, char *fault, size_t size)
{
    if (file)
        return zanni__cert_read (file, key, NULL, fault, size);
    if (zanni__key_parse (key, text))
        return 0;
    snprintf (fault, size, "a public key is 40 characters of Z85");
    return ZANNI_EAUTH;
}

static int
s_trust (zanni_node_t *node, const char *address, const zanni_trust_t *by, char *fault, size_t size)
{
    uint8_t key [ZANNI__KEY];
    bool by_key = by && (by->key || by->file);
    int rc = by_key ? s_key (key, by->key, by->file, fault, size) : 0;
    return rc ? rc : zanni__trust_set (node, address, by_key ? key : NULL, by ? by->secret : NULL, fault, size);
}

int
zanni_trust (zanni_t *self, const char *address, const zanni_trust_t *by)
{
    char fault [200] = "";
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!zanni__tcp_is_address (address) || (by && ((by->size && by->size != sizeof *by) || !by->key + !by->file + !by->secret != 2)))
        return ZANNI_EINVAL;
    rc = s_trust (self->worker->node, address, by, fault, sizeof fault);
    if (!rc)   // who has a session there may sleep
        zanni_worker_event (self->worker, NULL, &(zanni_node_event_t) { .change = ZANNI_NODE_TRUST });
    if (rc && *fault)
        zanni__log (self->worker->node, ZANNI_LOG_WARNING, "%s", fault);
    if (rc && by)
        zanni__error_set (by->error, rc, *fault ? fault : NULL);
    return rc;
}

int
zanni_allow (zanni_t *self, const char *key, const char *file, const zanni_policy_t *policy)
{
    char fault [200] = "";
    uint8_t bytes [ZANNI__KEY];
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (!key == !file || (policy && policy->size && policy->size != sizeof *policy))
        return ZANNI_EINVAL;
    rc = s_key (bytes, key, file, fault, sizeof fault);
    if (!rc)
        rc = zanni__rights_set (self->worker->node, bytes, policy);
    if (rc && *fault)
        zanni__log (self->worker->node, ZANNI_LOG_WARNING, "%s", fault);
    return rc;
}
