/* The table is the node's, under the lock of its exports, and has no more than so many: somebody is forgotten for each
   further one, and known again when he is met again. */

#include "nodes.h"

#include "rights.h"

#include "../../base/memory.h"
#include "../../message/pack.h"

typedef struct {
    zanni__entry_t entry;
    zanni__met_t met;
} s_met_t;

static s_met_t *
s_find (const zanni_node_t *node, uint64_t number)
{
    return (s_met_t *) (void *) zanni__table_find (&node->met, number);
}

static void
s_forget (zanni_node_t *node, s_met_t *met)
{
    zanni__table_remove (&node->met, &met->entry);
    zanni__free (met);
}

/* Under the lock. */
static s_met_t *
s_add (zanni_node_t *node, uint64_t number)
{
    uint32_t at = 0;
    if (node->met.count >= ZANNI__MET_MAX)
        s_forget (node, (s_met_t *) (void *) zanni__table_first (&node->met, &at));
    s_met_t *met = zanni__malloc (sizeof *met);
    if (met && zanni__table_put (&node->met, &met->entry, number))
        return met;
    zanni__free (met);
    return NULL;
}

void
zanni__node_met (zanni_node_t *node, const uint8_t id [16], const char *endpoint)
{
    uint64_t number = zanni__node_number (id);
    if (*endpoint == '~')
        return;   // nobody can dial it
    pthread_mutex_lock (&node->exports_lock);
    s_met_t *met = s_find (node, number);
    if (!met)
        met = s_add (node, number);
    if (met) {
        met->met = (zanni__met_t) { .endpoint = "" };
        memcpy (met->met.node, id, sizeof met->met.node);
        strncpy (met->met.endpoint, endpoint, sizeof met->met.endpoint - 1);
    }
    pthread_mutex_unlock (&node->exports_lock);
}

bool
zanni__node_find (zanni_node_t *node, zanni__met_t *met, uint64_t number)
{
    pthread_mutex_lock (&node->exports_lock);
    const s_met_t *found = s_find (node, number);
    if (found)
        *met = found->met;
    pthread_mutex_unlock (&node->exports_lock);
    return found != NULL;
}

void
zanni__node_forget (zanni_node_t *node, const zanni__met_t *met)
{
    pthread_mutex_lock (&node->exports_lock);
    s_met_t *found = s_find (node, zanni__node_number (met->node));
    if (found && !memcmp (&found->met, met, sizeof *met))
        s_forget (node, found);
    pthread_mutex_unlock (&node->exports_lock);
}

uint32_t
zanni__node_list (zanni_node_t *node, zanni__met_t *all, uint32_t room)
{
    uint32_t count = 0;
    pthread_mutex_lock (&node->exports_lock);
    for (uint32_t i = 0; i < node->met.size; i++)
        for (zanni__entry_t *entry = node->met.buckets [i]; entry && count < room; entry = entry->next)
            all [count++] = ((s_met_t *) (void *) entry)->met;
    pthread_mutex_unlock (&node->exports_lock);
    return count;
}

void
zanni__node_forget_all (zanni_node_t *node)
{
    zanni__entry_t *entry;
    uint32_t at = 0;
    while ((entry = zanni__table_first (&node->met, &at)))
        s_forget (node, (s_met_t *) (void *) entry);
    zanni__table_free (&node->met);
}

void
zanni__node_offer (zanni_node_t *node, zanni__identity_t *server)
{
    if (server)
        zanni__identity_ref (server);
    pthread_mutex_lock (&node->exports_lock);
    zanni__identity_t *before = node->blobs;
    node->blobs = server;
    pthread_mutex_unlock (&node->exports_lock);
    if (before)
        zanni__identity_unref (before);
}

/* A reference of the caller's, or NULL. */
static zanni__identity_t *
s_server (zanni_node_t *node)
{
    pthread_mutex_lock (&node->exports_lock);
    zanni__identity_t *server = node->blobs;
    if (server)
        zanni__identity_ref (server);
    pthread_mutex_unlock (&node->exports_lock);
    return server;
}

typedef struct {
    zanni_worker_t *worker;
    zanni_peer_t *peer;
    const zanni_record_t *ask;
} s_question_t;

static void
s_answer (const s_question_t *question, const zanni_record_t *answer)
{
    if (!question->worker->node->link->send (question->peer, answer, NULL))
        zanni__remote_sent (question->worker);
}

static void
s_answer_error (const s_question_t *question, int code)
{
    const char *text = zanni_strerror (code);
    const zanni_record_t error = {
        .kind = ZANNI_RECORD_ERROR, .id = question->ask->id, .remaining_ms = -1, .args = { "\x90", 1 },
        .as.error = { .code = code, .text = { text, strlen (text) }, .actor = ZANNI__NODE_ACTOR }
    };
    s_answer (question, &error);
}

/* A reference to an actor, of which the caller has one. */
static int
s_tell_actor (const s_question_t *question, zanni__identity_t *identity)
{
    zanni_worker_t *worker = question->worker;
    zanni_wire_ref_t ref = { .strong = false };
    const zanni_record_t reply = {
        .kind = ZANNI_RECORD_REPLY, .id = question->ask->id, .remaining_ms = -1, .refs = &ref, .refs_count = 1,
        .args = { "\x91\xd4\x01\x00", 4 }
    };
    if (!identity)
        return ZANNI_EGONE;
    int rc = zanni__ref_to_wire (worker, question->peer, &ref, identity, false, false);
    if (!rc)
        s_answer (question, &reply);
    zanni__identity_unref (identity);
    return rc;
}

static int
s_tell_server (const s_question_t *question, const zanni__value_t *number)
{
    zanni_node_t *node = question->worker->node;
    return s_tell_actor (question, number->value.u == zanni__node_number (node->id) ? s_server (node) : NULL);
}

/* Who is offered by a name, as far as that is told to anybody who may speak. */
static int
s_tell_offer (const s_question_t *question, const zanni__value_t *name)
{
    if (!zanni__rights_name (question->peer->rights, name->value.data, name->size))
        return ZANNI_EPERM;
    zanni__identity_t *found = zanni__offer_find (question->worker->node, name->value.data, name->size);
    int rc = s_tell_actor (question, found);
    return rc == ZANNI_EGONE ? ZANNI_ENOACTOR : rc;
}

static int
s_tell_where (const s_question_t *question, const zanni__value_t *number)
{
    zanni__met_t met;
    zanni__args_t args;
    zanni__payload_t *payload;
    _Alignas (8) uint8_t room [256];
    if (!zanni__node_find (question->worker->node, &met, number->value.u)
        || !zanni__may_be_dialled (question->peer, &(zanni_bytes_t) { met.endpoint, strlen (met.endpoint) }))
        return ZANNI_EGONE;
    const zanni__pack_t pack = { .room = room, .room_size = sizeof room };
    const zanni_arg_t values [2] = { zanni_arg_bytes (met.node, sizeof met.node), zanni_arg_string (met.endpoint) };
    int rc = zanni__args_pack_all (&args, &payload, &pack, values, 2);
    if (rc)
        return rc;
    const zanni_record_t reply = {
        .kind = ZANNI_RECORD_REPLY, .id = question->ask->id, .remaining_ms = -1, .args = { args.bytes, args.size }
    };
    s_answer (question, &reply);
    zanni__args_release (&args, payload, NULL);
    return 0;
}

static bool
s_is (const zanni_bytes_t *method, const char *name)
{
    return method->size == strlen (name) && !memcmp (method->data, name, method->size);
}

/* Its one argument. */
static bool
s_argument (const zanni_bytes_t *args, zanni__value_t *value)
{
    uint32_t count;
    zanni__reader_t reader = zanni__reader (args->data, (uint32_t) args->size);
    return zanni__reader_array (&reader, &count) && count == 1 && zanni__reader_next (&reader, value)
        && reader.at == reader.end;
}

static const struct {
    const char *name;
    zanni__form_t form;   // of its argument
    int (*answer) (const s_question_t *question, const zanni__value_t *value);
} s_methods [] = {
    { "zanni.blobs", ZANNI__UINT, s_tell_server },
    { "zanni.where", ZANNI__UINT, s_tell_where },
    { "zanni.find", ZANNI__STR, s_tell_offer },
};

void
zanni__node_asked (zanni_worker_t *worker, zanni_peer_t *peer, const zanni_record_t *ask)
{
    const s_question_t question = { worker, peer, ask };
    zanni__value_t value;
    int rc = ZANNI_ENOMETHOD;
    for (size_t i = 0; i < sizeof s_methods / sizeof *s_methods; i++) {
        if (!s_is (&ask->method, s_methods [i].name))
            continue;
        bool may = s_methods [i].answer == s_tell_offer || zanni__rights_method (peer->rights, "", &ask->method);
        if (!may) {
            rc = ZANNI_EPERM;
            break;
        }
        bool good = s_argument (&ask->args, &value) && value.form == s_methods [i].form && !ask->buffers_count && !ask->refs_count;
        rc = good ? s_methods [i].answer (&question, &value) : ZANNI_EARGS;
        break;
    }
    if (rc)
        s_answer_error (&question, rc);
}

/* Takes an identity of the worker's table. */
static int
s_refer (zanni_t *self, zanni_ref_t **ref_p, zanni__identity_t *identity)
{
    zanni_ref_t *ref = zanni__ref_new (identity, self->worker, false, false);
    if (!ref)
        return ZANNI_ENOMEM;
    zanni__ref_adopt (self, ref);
    *ref_p = ref;
    return 0;
}

int
zanni__node_known (zanni_t *self, zanni_ref_t **ref_p, const zanni__met_t *met)
{
    static const uint8_t nobody [ZANNI__NONCE];
    zanni__identity_t *identity;
    const zanni_wire_ref_t wire = {
        .node = met->node, .actor = ZANNI__NODE_ACTOR, .nonce = nobody, .endpoint = { met->endpoint, strlen (met->endpoint) }
    };
    int rc = zanni__remote_get (self->worker, &identity, &wire);
    return rc ? rc : s_refer (self, ref_p, identity);
}

int
zanni__node_at (zanni_t *self, zanni_ref_t **ref_p, const char *endpoint)
{
    zanni__identity_t *identity;
    int rc = zanni__remote_at (self->worker, &identity, endpoint);
    return rc ? rc : s_refer (self, ref_p, identity);
}
