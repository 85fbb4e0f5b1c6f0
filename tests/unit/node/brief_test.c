/* What a process actor is told at its birth: read as it was written, or not at all. */

#include "node/brief.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static zanni__brief_t s_brief;
static uint8_t s_bytes [sizeof s_brief + 1024];

/* A value of its own in every member; texts and arguments of every length up to the longest. */
static void
fill (void)
{
    zanni__brief_t *brief = &s_brief;
    memset (brief, 0, sizeof *brief);
    memset (brief->node, 0xa5, sizeof brief->node);
    memset (brief->own, 0x5a, sizeof brief->own);
    memset (brief->cls, 'c', sizeof brief->cls - 1);
    snprintf (brief->home, sizeof brief->home, "ipc://home");
    memset (brief->program, 'p', sizeof brief->program - 1);
    for (uint32_t i = 0; i < ZANNI__BRIEF_ARGUMENTS; i++)
        memset (brief->arguments [i], 'a', i * 255 / (ZANNI__BRIEF_ARGUMENTS - 1));
    brief->arguments_count = ZANNI__BRIEF_ARGUMENTS;
    brief->incarnation = UINT64_MAX;
    brief->options.workers = 1;
    brief->options.mailbox_messages = UINT32_MAX;
    brief->options.mailbox_bytes = UINT64_C (1) << 40;
    brief->options.ask_deadline_ms = 2;
    brief->options.watchdog_ms = 1000;
    brief->options.shutdown_ms = 300;
    brief->options.heartbeat_ms = 70000;
    brief->options.window_bytes = 128;
    brief->options.lane_off = true;
    brief->options.sleep_at_once = true;
    brief->options.wire_level_max = 2;
    brief->options.in_band_max = 3;
    brief->options.chunk_bytes = 16 << 10;
    brief->options.share_least = UINT64_MAX;
    brief->options.share_most = 4;
    brief->options.counts = true;
    brief->limit = 5;
    brief->limit_bytes = 6;
    brief->overflow = ZANNI_DROP_NEWEST;
    brief->restartable = true;
    brief->waits = 2;
}

Test (brief, is_read_as_it_was_written)
{
    zanni__brief_t read;
    fill ();
    size_t size = zanni__brief_write (s_bytes, sizeof s_bytes, &s_brief);
    cr_assert_gt (size, 0);
    cr_assert (zanni__brief_read (&read, s_bytes, size));
    cr_assert_eq (memcmp (&read, &s_brief, sizeof read), 0);
}

Test (brief, is_written_whole_or_not_at_all)
{
    fill ();
    size_t size = zanni__brief_write (s_bytes, sizeof s_bytes, &s_brief);
    cr_assert_eq (zanni__brief_write (s_bytes, size, &s_brief), size);
    for (size_t room = 0; room < size; room++)
        cr_assert_eq (zanni__brief_write (s_bytes, room, &s_brief), 0, "it took %zu bytes", room);
}

Test (brief, that_is_cut_short_is_refused)
{
    zanni__brief_t read;
    fill ();
    size_t size = zanni__brief_write (s_bytes, sizeof s_bytes, &s_brief);
    for (size_t part = 0; part < size; part++)
        cr_assert_not (zanni__brief_read (&read, s_bytes, part), "%zu of %zu bytes were enough", part, size);
}

Test (brief, with_a_text_that_has_no_room_is_refused)
{
    zanni__brief_t read;
    fill ();
    memset (s_brief.arguments [0], 'a', sizeof s_brief.arguments [0]);   // no end of its own: goes on into the next
    size_t size = zanni__brief_write (s_bytes, sizeof s_bytes, &s_brief);
    cr_assert_gt (size, 0);
    cr_assert_not (zanni__brief_read (&read, s_bytes, size));
}
