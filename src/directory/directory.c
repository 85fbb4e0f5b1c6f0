/* The handles of directories, as programs have them: each call is one of the handle's agent, which does the work.
   What is sent there is weak and has the right to call, whatever it was, for that is what others are to get. */

#include "agent.h"

#include "../base/kinds.h"
#include "../base/memory.h"

#include <stdio.h>
#include <string.h>

#define S_LEASE_MS 5000

static zanni__kinds_t s_kinds = ZANNI__KINDS (zanni_directory_ops_t, &zanni__directory_registry);

int
zanni_directory_register (const zanni_directory_ops_t *ops)
{
    if (!ops || ops->size != sizeof *ops || !ops->kind || !*ops->kind || !ops->check || !ops->reach)
        return ZANNI_EINVAL;
    return zanni__kind_add (&s_kinds, ops);
}

int
zanni__directory_error (zanni_error_t *error, int code, const char *what, const char *subject)
{
    if (!error)
        return code;
    zanni_error_reset (error);
    error->code = code;
    snprintf (error->text, sizeof error->text, what, subject);
    return code;
}

int
zanni__directory_refuse (zanni_t *self, zanni_msg_t *msg, int code, const char *what, const char *subject)
{
    zanni_error_t error = { .code = code };
    snprintf (error.text, sizeof error.text, what, subject);
    int rc = zanni_pass (self, msg, &error);
    return rc ? rc : code;
}

const zanni_directory_ops_t *
zanni__directory_kind (const char *place, const char **where, zanni_error_t *error)
{
    const char *colon = strchr (place, ':');
    const zanni_directory_ops_t *ops = colon ? zanni__kind_find (&s_kinds, place, (size_t) (colon - place)) : NULL;
    if (!ops)
        (void) zanni__directory_error (error, ZANNI_EINVAL,
                                       "\"%.60s\" names no kind of directory known here: registry: and "
                                       "registry:tcp://HOST:PORT are; etcd:http://HOST:PORT with "
                                       "zanni_etcd_register", place);
    else
        *where = colon + 1;
    return ops;
}

uint64_t
zanni__directory_hash (const void *text, size_t size)
{
    return zanni__spread (zanni__hash_bytes (ZANNI__HASH_BEGIN, text, size));
}

static int
s_check_options (const zanni_directory_options_t *options)
{
    bool good = (!options->size || options->size == sizeof *options)
                && (!options->lease_ms
                    || (options->lease_ms >= ZANNI__LEASE_LEAST_MS && options->lease_ms <= ZANNI__LEASE_MOST_MS))
                && (!options->lost || zanni__group_is_good (options->lost));
    return good ? 0 : zanni__directory_error (options->error, ZANNI_EINVAL, "%s",
                                              "a lease of a directory is between 200 ms and an "
                                              "hour, a method has 1 to 255 bytes");
}

int
zanni_directory_open (zanni_t *self, zanni_directory_t **directory_p, const char *place,
                      const zanni_directory_options_t *given)
{
    zanni_directory_options_t options = { 0 };
    const char *where;
    int rc = zanni__check_thread (self);
    if (rc || !directory_p || !place)
        return rc ? rc : ZANNI_EINVAL;
    if (given)
        options = *given;
    rc = s_check_options (&options);
    if (rc)
        return rc;
    if (!options.lease_ms)
        options.lease_ms = S_LEASE_MS;
    const zanni_directory_ops_t *ops = zanni__directory_kind (place, &where, options.error);
    if (!ops)
        return ZANNI_EINVAL;
    if (strlen (place) >= ZANNI__PLACE_MAX)
        return zanni__directory_error (options.error, ZANNI_EINVAL, "\"%.60s...\" is too long", place);
    rc = ops->check (where, options.error);
    zanni_directory_t *directory = rc ? NULL : zanni__calloc (sizeof *directory);
    if (!directory)
        return rc ? rc : ZANNI_ENOMEM;
    *directory = (zanni_directory_t) { .self = self, .timeout_ms = options.timeout_ms, .error = options.error };
    rc = zanni__agent_spawn (self, &directory->agent, place, &options);
    if (rc)
        zanni__free (directory);
    else
        *directory_p = directory;
    return rc;
}

void
zanni_directory_close (zanni_directory_t **directory_p)
{
    if (!directory_p || !*directory_p)
        return;
    zanni_ref_destroy (&(*directory_p)->agent);
    zanni__free (*directory_p);
    *directory_p = NULL;
}

int
zanni__directory_do (zanni_directory_t *directory, zanni_msg_t **reply_p, const zanni_ask_t *ask,
                     const zanni__words_t *words)
{
    zanni_t *self = directory->self;
    int rc = zanni__check_thread (self);
    if (rc)
        return rc;
    if (ask)
        return zanni_ask_args (self, directory->agent, ask, words->method, words->args, words->count);
    zanni_msg_t *reply = NULL;
    if (directory->error)
        zanni_error_reset (directory->error);
    const zanni_ask_t wait = { .deadline_ms = directory->timeout_ms, .error = directory->error };
    rc = zanni_call_args (self, &reply, directory->agent, &wait, words->method, words->args, words->count);
    if (!rc && reply_p)
        *reply_p = reply;
    else
        zanni_msg_destroy (&reply);
    return rc;
}

/* What may be published of a reference. */
static int
s_limit (zanni_t *self, zanni_ref_t **weak_p, const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_ref_t) weak = NULL;
    int rc = zanni_ref_weak (self, &weak, ref);
    return rc ? rc : zanni_ref_limit (self, weak_p, weak);
}

/* `ref` NULL: there is none. */
static int
s_do (zanni_directory_t *directory, const zanni_ask_t *ask, const char *method, const char *group,
      const zanni_ref_t *ref)
{
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    if (!directory || !zanni__group_is_good (group))
        return ZANNI_EINVAL;
    int rc = ref ? s_limit (directory->self, &limited, ref) : 0;
    if (rc)
        return rc;
    const zanni_arg_t args [] = { zanni_arg_string (group), zanni_arg_ref (limited) };
    const zanni__words_t words = { method, args, ref ? 2 : 1 };
    return zanni__directory_do (directory, NULL, ask, &words);
}

/* An ask without options is one that zanni_receive yields the answer of. */
static const zanni_ask_t *
s_options (const zanni_ask_t *ask)
{
    static const zanni_ask_t defaults;
    return ask ? ask : &defaults;
}

int
zanni_directory_publish (zanni_directory_t *directory, const char *name, const zanni_ref_t *ref)
{
    return ref ? s_do (directory, NULL, "publish", name, ref) : ZANNI_EINVAL;
}

int
zanni_directory_publish_ask (zanni_directory_t *directory, const char *name, const zanni_ref_t *ref,
                             const zanni_ask_t *ask)
{
    return ref ? s_do (directory, s_options (ask), "publish", name, ref) : ZANNI_EINVAL;
}

int
zanni_directory_withdraw (zanni_directory_t *directory, const char *name)
{
    return s_do (directory, NULL, "withdraw", name, NULL);
}

int
zanni_directory_withdraw_ask (zanni_directory_t *directory, const char *name, const zanni_ask_t *ask)
{
    return s_do (directory, s_options (ask), "withdraw", name, NULL);
}

int
zanni_directory_lookup (zanni_directory_t *directory, zanni_ref_t **ref_p, const char *name)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    const zanni_ref_t *found;
    if (!directory || !ref_p || !zanni__group_is_good (name))
        return ZANNI_EINVAL;
    const zanni_arg_t arg = zanni_arg_string (name);
    const zanni__words_t words = { "lookup", &arg, 1 };
    int rc = zanni__directory_do (directory, &reply, NULL, &words);
    if (!rc)
        rc = zanni_read (reply, &found);
    return rc ? rc : zanni_ref_keep (directory->self, ref_p, found);
}

int
zanni_directory_lookup_ask (zanni_directory_t *directory, const char *name, const zanni_ask_t *ask)
{
    return s_do (directory, s_options (ask), "lookup", name, NULL);
}

int
zanni_directory_join (zanni_directory_t *directory, const char *group, const zanni_ref_t *ref)
{
    return ref ? s_do (directory, NULL, "join", group, ref) : ZANNI_EINVAL;
}

int
zanni_directory_join_ask (zanni_directory_t *directory, const char *group, const zanni_ref_t *ref,
                          const zanni_ask_t *ask)
{
    return ref ? s_do (directory, s_options (ask), "join", group, ref) : ZANNI_EINVAL;
}

int
zanni_directory_leave (zanni_directory_t *directory, const char *group, const zanni_ref_t *ref)
{
    return ref ? s_do (directory, NULL, "leave", group, ref) : ZANNI_EINVAL;
}

int
zanni_directory_leave_ask (zanni_directory_t *directory, const char *group, const zanni_ref_t *ref,
                           const zanni_ask_t *ask)
{
    return ref ? s_do (directory, s_options (ask), "leave", group, ref) : ZANNI_EINVAL;
}

int
zanni_directory_members (zanni_directory_t *directory, const char *group, zanni_member_fn *each, void *context)
{
    ZANNI_AUTO (zanni_msg_t) reply = NULL;
    size_t count = 0;
    if (!directory || !each || !zanni__group_is_good (group))
        return ZANNI_EINVAL;
    const zanni_arg_t arg = zanni_arg_string (group);
    const zanni__words_t words = { "members", &arg, 1 };
    int rc = zanni__directory_do (directory, &reply, NULL, &words);
    if (!rc)
        rc = zanni_enter (reply, &count);
    for (size_t i = 0; !rc && i < count; i++) {
        const zanni_ref_t *member;
        rc = zanni_read (reply, &member);
        if (!rc)
            rc = each (context, member);
    }
    return rc;
}

int
zanni_directory_members_ask (zanni_directory_t *directory, const char *group, const zanni_ask_t *ask)
{
    return s_do (directory, s_options (ask), "members", group, NULL);
}

static int
s_subscription (zanni_directory_t *directory, const zanni_ask_t *ask, const char *what, const char *group,
                const char *method)
{
    if (!directory || !zanni__group_is_good (group) || !zanni__group_is_good (method))
        return ZANNI_EINVAL;
    const zanni_arg_t args [] = { zanni_arg_string (group), zanni_arg_string (method) };
    const zanni__words_t words = { what, args, 2 };
    return zanni__directory_do (directory, NULL, ask, &words);
}

int
zanni_directory_subscribe (zanni_directory_t *directory, const char *group, const char *method)
{
    return s_subscription (directory, NULL, "subscribe", group, method);
}

int
zanni_directory_subscribe_ask (zanni_directory_t *directory, const char *group, const char *method,
                               const zanni_ask_t *ask)
{
    return s_subscription (directory, s_options (ask), "subscribe", group, method);
}

int
zanni_directory_unsubscribe (zanni_directory_t *directory, const char *group, const char *method)
{
    return s_subscription (directory, NULL, "unsubscribe", group, method);
}

int
zanni_directory_unsubscribe_ask (zanni_directory_t *directory, const char *group, const char *method,
                                 const zanni_ask_t *ask)
{
    return s_subscription (directory, s_options (ask), "unsubscribe", group, method);
}
