/* Lookups and lists. etcd sorts by when entries were made, for which it looks at all of a group each time; so a list asks
   for many at once, a *sheet*, which the pages behind the first are taken from. It serves whoever asks: a page has to be no
   older than the version that its list began with, and the sheet that stays is always the newest.

   What others have written there is passed over, however much or large it is: a sheet in which nothing is an entry is
   followed by the next one, and one that does not fit into an answer is asked for again with half as many. An entry has a
   revision of its own, so of several that share one the first stands for all. */

#include "etcd.h"

#include <stdio.h>

#define S_SHEET 256            // entries; with the longest keys and references they fit into an answer
#define S_SHEETS_MOST 8
#define S_LOOKUP 8             // likewise, for the first that is one

typedef struct {
    uint64_t id;
    char *text;                // of a reference
} s_line_t;

typedef struct {
    zanni__link_t link;
    uint64_t version;
    uint64_t after;            // it begins behind that id
    uint64_t last;             // and has been read up to this one
    bool more;                 // there are others behind it
    int64_t read_ns;
    size_t count;
    char group [ZANNI__ETCD_GROUP];
    s_line_t lines [S_SHEET];
} s_sheet_t;

typedef struct {
    zanni_msg_t *msg;
    uint64_t after;            // that was asked for
    uint64_t from;             // the same, or further, where what followed was no entry
    uint32_t limit;            // of the sheet that is asked for
    bool lookup;               // or else a list
    char group [ZANNI__ETCD_GROUP];
} s_reading_t;

static void
s_free (s_sheet_t *sheet)
{
    for (size_t i = 0; i < sheet->count; i++)
        free (sheet->lines [i].text);
    zanni__link_remove (&sheet->link);
    free (sheet);
}

static void
s_forget (zanni__etcd_t *etcd, s_sheet_t *sheet)
{
    etcd->sheets_count--;
    s_free (sheet);
}

void
zanni__etcd_sheets_sweep (zanni__etcd_t *etcd, int64_t before_ns)
{
    for (zanni__link_t *next, *at = etcd->sheets.next; at != &etcd->sheets; at = next) {
        s_sheet_t *sheet = ZANNI__CONTAINER (at, s_sheet_t, link);
        next = at->next;
        if (sheet->read_ns < before_ns)
            s_forget (etcd, sheet);
    }
}

static s_sheet_t *
s_find (const zanni__etcd_t *etcd, const char *group)
{
    for (zanni__link_t *at = etcd->sheets.next; at != &etcd->sheets; at = at->next)
        if (!strcmp (ZANNI__CONTAINER (at, s_sheet_t, link)->group, group))
            return ZANNI__CONTAINER (at, s_sheet_t, link);
    return NULL;
}

/* Keeps a new one, unless there is one that is newer. */
static void
s_keep (zanni__etcd_t *etcd, s_sheet_t *sheet)
{
    s_sheet_t *before = s_find (etcd, sheet->group);
    if (before && before->version > sheet->version) {
        s_free (sheet);
        return;
    }
    if (!before && etcd->sheets_count == S_SHEETS_MOST)
        before = ZANNI__CONTAINER (etcd->sheets.next, s_sheet_t, link);
    if (before)
        s_forget (etcd, before);
    zanni__list_append (&etcd->sheets, &sheet->link);
    etcd->sheets_count++;
}

typedef struct {
    size_t count;
    bool more;
    zanni_arg_t ids [ZANNI__ETCD_PAGE];
    zanni_ref_t *refs [ZANNI__ETCD_PAGE];
    zanni_arg_t args [ZANNI__ETCD_PAGE];
} s_page_t;

/* Those of a sheet behind an id; ZANNI_EAGAIN: there are none in it, and more behind it. */
static int
s_page (zanni__etcd_t *etcd, const s_sheet_t *sheet, uint64_t after, s_page_t *page)
{
    size_t i = 0;
    int rc = 0;
    *page = (s_page_t) { .count = 0 };
    while (i < sheet->count && sheet->lines [i].id <= after)
        i++;
    for (; i < sheet->count && page->count < ZANNI__ETCD_PAGE && rc != ZANNI_ENOMEM; i++) {
        rc = zanni_ref_parse (etcd->self, &page->refs [page->count], sheet->lines [i].text);
        if (rc)
            continue;   // somebody else wrote that
        page->ids [page->count] = zanni_arg_uint (sheet->lines [i].id);
        page->args [page->count] = zanni_arg_ref (page->refs [page->count]);
        page->count++;
    }
    page->more = i < sheet->count || sheet->more;
    if (rc == ZANNI_ENOMEM)
        return rc;
    return !page->count && page->more ? ZANNI_EAGAIN : 0;
}

static void
s_drop_page (s_page_t *page)
{
    for (size_t i = 0; i < page->count; i++)
        zanni_ref_destroy (&page->refs [i]);
}

static int
s_refuse_unknown (zanni__etcd_t *etcd, zanni_msg_t *msg, const char *group)
{
    zanni_error_t error = { .code = ZANNI_EGONE };
    snprintf (error.text, sizeof error.text, "nobody is known as \"%.150s\"", group);
    return zanni_pass (etcd->self, msg, &error);
}

/* Answers from a sheet. ZANNI_EAGAIN as above. */
static int
s_answer (zanni__etcd_t *etcd, zanni_msg_t *msg, const s_sheet_t *sheet, uint64_t after, bool lookup)
{
    s_page_t page;
    int rc = s_page (etcd, sheet, after, &page);
    if (!rc && lookup)
        rc = page.count ? zanni_reply_args (etcd->self, msg, page.args, 1) : s_refuse_unknown (etcd, msg, sheet->group);
    else if (!rc)
        rc = zanni_reply (etcd->self, msg, sheet->version, page.more, zanni_arg_list (page.ids, page.count),
                          zanni_arg_list (page.args, page.count));
    s_drop_page (&page);
    return rc;
}

static int
s_fill (zanni__etcd_t *etcd, s_sheet_t *sheet, const json_t *range)
{
    zanni__etcd_entry_t entry;
    const json_t *kvs = json_object_get (range, "kvs"), *item;
    size_t i;
    sheet->more = json_is_true (json_object_get (range, "more"));
    json_array_foreach (kvs, i, item) {
        bool good = i < S_SHEET && zanni__etcd_read_entry (item, &entry);
        uint64_t id = good ? etcd->base + entry.created : 0, before = sheet->last;
        if (!good || id < before || (!i && id == before))
            return ZANNI_ESYSTEM;
        sheet->last = id;
        const char *text = *entry.key && id != before ? zanni__etcd_ref_text (entry.value) : NULL;
        if (!text)
            continue;   // somebody else wrote that
        sheet->lines [sheet->count] = (s_line_t) { .id = sheet->last, .text = strdup (text) };
        if (!sheet->lines [sheet->count].text)
            return ZANNI_ENOMEM;
        sheet->count++;
    }
    return sheet->more && !i ? ZANNI_ESYSTEM : 0;
}

static int s_read (zanni__etcd_t *etcd, s_reading_t *reading);

/* A sheet that has come; it may be that nothing in it is an entry, and then the next one is asked for. */
static int
s_take (zanni__etcd_t *etcd, s_reading_t *reading, const json_t *responses, uint64_t revision)
{
    s_sheet_t *sheet = calloc (1, sizeof *sheet);
    if (!sheet)
        return ZANNI_ENOMEM;
    zanni__link_init (&sheet->link);
    strcpy (sheet->group, reading->group);
    sheet->version = zanni__etcd_version (etcd, revision, ZANNI__ETCD_ALL);
    sheet->after = sheet->last = reading->from;
    sheet->read_ns = zanni_now_ns (etcd->self);
    int rc = s_fill (etcd, sheet, json_object_get (json_array_get (responses, 0), "response_range"));
    if (!rc)
        rc = s_answer (etcd, reading->msg, sheet, reading->after, reading->lookup);
    if (rc == ZANNI_EAGAIN)
        reading->from = sheet->last;
    if (rc || reading->lookup)
        s_free (sheet);
    else
        s_keep (etcd, sheet);
    if (rc != ZANNI_EAGAIN)
        return rc ? rc : 1;
    if (!zanni_msg_remaining_ms (reading->msg))
        return ZANNI_ETIMEOUT;
    reading->limit = reading->limit < S_SHEET / 2 ? reading->limit * 2 : S_SHEET;
    return s_read (etcd, reading);
}

static void
s_end_reading (s_reading_t *reading)
{
    zanni_msg_destroy (&reading->msg);
    free (reading);
}

static void
s_on_sheet (void *owner, void *context, const zanni__etcd_answer_t *answer)
{
    zanni__etcd_t *etcd = owner;
    s_reading_t *reading = context;
    const json_t *responses;
    uint64_t revision;
    int rc = zanni__etcd_outcome (etcd, answer, &responses, &revision);
    if (rc >= 0)
        rc = s_take (etcd, reading, responses, revision);
    else if (rc == ZANNI_ETOOBIG && reading->limit > 1) {
        reading->limit /= 2;
        rc = s_read (etcd, reading);
    }
    if (!rc)
        return;   // it goes on
    if (rc < 0)
        zanni__etcd_refuse (etcd, &reading->msg, rc, *answer->text ? answer->text : "etcd cannot be understood");
    s_end_reading (reading);
}

/* Asks for what is behind `from`. */
static int
s_read (zanni__etcd_t *etcd, s_reading_t *reading)
{
    char folder [ZANNI__ETCD_KEY], behind [ZANNI__ETCD_KEY];
    zanni__etcd_folder (folder, etcd->place.prefix, reading->group);
    zanni__etcd_behind (behind, folder);
    uint64_t least = reading->from > etcd->base ? reading->from - etcd->base + 1 : 0;
    json_t *range = json_pack ("[o]", zanni__etcd_range (folder, behind, reading->limit, least));
    return zanni__etcd_say (etcd, "/v3/kv/txn", zanni__etcd_txn (etcd, json_array (), range, json_array ()), s_on_sheet,
                            reading);
}

static int
s_begin (zanni__etcd_t *etcd, zanni_msg_t *msg, const char *group, uint64_t after, bool lookup)
{
    s_reading_t *reading = calloc (1, sizeof *reading);
    if (!reading)
        return ZANNI_ENOMEM;
    strcpy (reading->group, group);
    reading->after = reading->from = after;
    reading->lookup = lookup;
    reading->limit = lookup ? S_LOOKUP : S_SHEET;
    int rc = zanni_msg_keep (&reading->msg, msg);
    if (!rc)
        rc = s_read (etcd, reading);
    if (!rc)
        return 0;
    if (reading->msg)
        zanni__etcd_refuse (etcd, &reading->msg, rc, "etcd cannot be asked");
    s_end_reading (reading);
    return rc;
}

int
zanni__etcd_list (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    const char *group;
    uint64_t after;
    int rc = etcd->base ? zanni_read (msg, &group, &after) : ZANNI_ENODE;
    if (!rc && !zanni__etcd_group_is_good (group))
        rc = ZANNI_EINVAL;
    if (rc)
        return rc;
    const s_sheet_t *sheet = after ? s_find (etcd, group) : NULL;
    bool has = sheet && sheet->after <= after && (sheet->last > after || !sheet->more);
    rc = has ? s_answer (etcd, msg, sheet, after, false) : ZANNI_EAGAIN;
    return rc == ZANNI_EAGAIN ? s_begin (etcd, msg, group, after, false) : rc;
}

int
zanni__etcd_lookup (zanni_t *self, zanni_msg_t *msg)
{
    zanni__etcd_t *etcd = zanni_state (self);
    const char *group;
    int rc = etcd->base ? zanni_read (msg, &group) : ZANNI_ENODE;
    if (!rc && !zanni__etcd_group_is_good (group))
        rc = ZANNI_EINVAL;
    return rc ? rc : s_begin (etcd, msg, group, 0, true);
}
