/* Transactions. Each compares the base first, a number that whoever came first has left in etcd: an etcd that was begun
   anew, without what it had, has another one or none, and would give ids a second time. So nothing is read from it or
   written to it by who takes it for the one of before. */

#include "etcd.h"

#include <inttypes.h>
#include <stdio.h>

json_t *
zanni__etcd_decimal (uint64_t number)
{
    char text [24];
    snprintf (text, sizeof text, "%" PRIu64, number);
    return json_string (text);
}

json_t *
zanni__etcd_compare (const char *target, const char *key, const char *behind, const char *field, json_t *value)
{
    json_t *compare = json_pack ("{s:s, s:s, s:o, s:o}", "target", target, "result", "EQUAL", "key",
                                 zanni__etcd_bytes (key), field, value);
    if (compare && behind && json_object_set_new (compare, "range_end", zanni__etcd_bytes (behind))) {
        json_decref (compare);
        return NULL;
    }
    return compare;
}

json_t *
zanni__etcd_range (const char *key, const char *behind, uint32_t limit, uint64_t least)
{
    json_t *range = json_pack ("{s:o, s:o, s:s, s:s, s:o}", "key", zanni__etcd_bytes (key), "limit",
                               zanni__etcd_decimal (limit), "sort_order", "ASCEND", "sort_target", "CREATE",
                               "min_create_revision", zanni__etcd_decimal (least));
    if (range && behind && json_object_set_new (range, "range_end", zanni__etcd_bytes (behind))) {
        json_decref (range);
        return NULL;
    }
    return json_pack ("{s:o}", "request_range", range);
}

static bool
s_insert (json_t *list, json_t *item)
{
    return !json_array_insert_new (list, 0, item);
}

json_t *
zanni__etcd_txn (const zanni__etcd_t *etcd, json_t *compare, json_t *success, json_t *failure)
{
    bool good = compare && success && failure
                && s_insert (compare, zanni__etcd_compare ("VALUE", etcd->base_key, NULL, "value",
                                                           zanni__etcd_bytes (etcd->base_text)))
                && s_insert (failure, zanni__etcd_range (etcd->base_key, NULL, 1, 0));
    json_t *txn = good ? json_pack ("{s:O, s:O, s:O}", "compare", compare, "success", success, "failure", failure) : NULL;
    json_decref (compare);
    json_decref (success);
    json_decref (failure);
    return txn;
}

const json_t *
zanni__etcd_found (const json_t *responses, size_t index)
{
    return json_object_get (json_object_get (json_array_get (responses, index), "response_range"), "kvs");
}

/* Whether the base that was found is ours. */
static bool
s_is_ours (const zanni__etcd_t *etcd, const json_t *responses)
{
    zanni__etcd_entry_t entry;
    const json_t *first = json_array_get (zanni__etcd_found (responses, 0), 0);
    return first && zanni__etcd_read_entry (first, &entry) && !strcmp (entry.value, etcd->base_text);
}

int
zanni__etcd_outcome (zanni__etcd_t *etcd, const zanni__etcd_answer_t *answer, const json_t **responses_p,
                     uint64_t *revision_p)
{
    uint64_t revision;
    if (answer->code == ZANNI_ENODE)
        zanni__etcd_lost (etcd, answer->text);
    if (answer->code)
        return answer->code;
    const json_t *responses = json_object_get (answer->json, "responses");
    bool success = json_is_true (json_object_get (answer->json, "succeeded"));
    if (!zanni__etcd_number (json_object_get (answer->json, "header"), "revision", &revision) || !revision
        || revision >> 46)
        return ZANNI_ESYSTEM;
    if (!success && !s_is_ours (etcd, responses)) {
        zanni__etcd_lost (etcd, "it was begun anew");
        return ZANNI_ENODE;
    }
    if (responses_p)
        *responses_p = responses;
    if (revision_p)
        *revision_p = revision;
    return success;
}
