/* Shared fate: links between two actors, chains and rings of them, by Erlang's rules. */

#include "twin.h"

/* Nothing but its links. */
static int
bead_link (zanni_t *self, zanni_msg_t *msg)
{
    const zanni_ref_t *next;
    int rc = zanni_read (msg, &next);
    return rc ? rc : zanni_link (self, next);
}

static const zanni_method_t bead_methods [] = {
    ZANNI_METHOD ("link", "r", "", bead_link, ""),
    ZANNI_METHOD ("fail", "xs", "", twin_fail, ""),
    ZANNI_METHOD_END
};
static const zanni_class_t bead_class = { .name = "bead", .methods = bead_methods };

CLASSES (&twin_class, &stillborn_class, &bead_class);

EVERYWHERE (links, who_ends_with_an_error_takes_its_partner_along)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "link", two);
    tell (two, "fail", INT64_C (5000000000), "out of ink");
    expect_all ("2 stops: error 5000000000: out of ink", "2 ended: error 5000000000: out of ink",
                "1 stops: error 5000000000: out of ink", "1 ended: error 5000000000: out of ink");
}

EVERYWHERE (links, who_linked_takes_whom_it_owns_along_as_well)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "link", two);
    tell (one, "fail", 3, "enough");
    expect_all ("1 stops: error 3: enough", "1 ended: error 3: enough", "2 stops: error 3: enough", "2 ended: error 3: enough");
}

EVERYWHERE (links, a_stop_takes_the_partner_along_and_a_normal_end_does_not)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    ZANNI_AUTO (zanni_ref_t) three = spawn_twin (3);
    done (one, "link", two);
    done (one, "link", three);
    tell (two, "end");
    expect_all ("2 stops: normal", "2 ended: normal");
    expect_alive (one, 0);
    cr_assert_eq (zanni_stop (root, one), 0);
    expect_all ("1 stops: shutdown", "1 ended: shutdown", "3 stops: shutdown", "3 ended: shutdown");
}

EVERYWHERE (links, whose_partner_was_killed_ends_for_that_reason_and_stops_in_good_order)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "link", two);
    cr_assert_eq (zanni_kill (root, two), 0);
    expect_all ("2 ended: killed", "1 stops: killed", "1 ended: killed");
}

EVERYWHERE (links, who_traps_is_told_who_has_ended_and_why)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    ZANNI_AUTO (zanni_ref_t) three = spawn_twin (3);
    ZANNI_AUTO (zanni_ref_t) four = spawn_twin (4);
    done (one, "trap", true);
    done (one, "link", two);
    tell (two, "end");
    expect_all ("2 stops: normal", "2 ended: normal", "1 traps: normal from its partner, linked");
    done (one, "link", three);
    tell (three, "fail", 3, "enough");
    expect_all ("3 stops: error 3: enough", "3 ended: error 3: enough", "1 traps: error 3: enough from its partner, linked");
    done (one, "link", four);
    cr_assert_eq (zanni_kill (root, four), 0);
    expect_all ("4 ended: killed", "1 traps: killed from its partner, linked");
    expect_alive (one, 3);
    done (one, "trap", false);
    ZANNI_AUTO (zanni_ref_t) five = spawn_twin (5);
    done (one, "link", five);
    tell (five, "fail", 4, "again");
    expect_all ("5 stops: error 4: again", "5 ended: error 4: again", "1 stops: error 4: again", "1 ended: error 4: again");
}

EVERYWHERE (links, whom_a_trapping_partner_linked_ends_all_the_same)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "trap", true);
    done (one, "link", two);
    tell (one, "fail", 3, "enough");
    expect_all ("1 stops: error 3: enough", "1 ended: error 3: enough", "2 stops: error 3: enough", "2 ended: error 3: enough");
}

EVERYWHERE (links, an_exit_comes_behind_what_the_partner_sent_before)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "trap", true);
    done (two, "link", one);
    tell (two, "note and fail");
    for (int i = 0, noted = 0; i < 4; i++) {
        ZANNI_AUTO (zanni_msg_t) msg = next ();
        char line [240];
        say_line (line, sizeof line, msg);
        noted |= !strcmp (line, "1 notes");
        cr_assert (noted || strncmp (line, "1 traps", 7) != 0);
    }
    expect_alive (one, 1);
}

EVERYWHERE (links, twice_and_from_both_sides_is_one_link)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "trap", true);
    tell (one, "tie", two);   // these two may cross
    tell (two, "tie", one);
    done (one, "link", two);
    done (two, "link", one);
    done (one, "watch");
    tell (two, "fail", 3, "enough");
    expect_all ("2 stops: error 3: enough", "2 ended: error 3: enough", "1 traps: error 3: enough from its partner, linked",
                "1 sees the end, 0 late");
    expect_alive (one, 1);
    expect_nothing ();
}

EVERYWHERE (links, a_link_that_is_undone_ties_nobody)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    ZANNI_AUTO (zanni_ref_t) three = spawn_twin (3);
    done (one, "link", two);
    done (one, "unlink");
    done (one, "unlink");
    done (one, "link", three);
    done (one, "unlink");
    tell (two, "fail", 3, "enough");
    expect_all ("2 stops: error 3: enough", "2 ended: error 3: enough");
    expect_alive (one, 0);
    tell (one, "fail", 4, "so am I");
    expect_all ("1 stops: error 4: so am I", "1 ended: error 4: so am I");
    expect_alive (three, 0);
    expect_nothing ();
}

EVERYWHERE (links, the_other_side_may_undo_it_too_if_it_owns)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (two, "tie", one);
    done (one, "link", two);
    done (two, "unlink");
    done (one, "link", two);   // and again
    done (two, "unlink");
    expect_alive (two, 0);
    tell (two, "fail", 3, "enough");
    expect_all ("2 stops: error 3: enough", "2 ended: error 3: enough");
    expect_alive (one, 0);
    expect_nothing ();
}

/* Who is told of the end has got all of its exits before. */
EVERYWHERE (links, no_exit_comes_once_an_unlink_has_answered)
{
    for (int round = 0; round < 20; round++) {
        ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
        ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
        done (one, "trap", true);
        done (one, "link", two);
        done (one, "watch");
        tell (two, "end");
        tell (one, "unlink");
        bool seen = false;
        while (!seen) {
            ZANNI_AUTO (zanni_msg_t) msg = next ();
            char line [240];
            say_line (line, sizeof line, msg);
            seen = strcmp (line, "1 sees the end, 0 late") == 0;
            cr_assert (seen || strncmp (line, "1 sees", 6) != 0, "%s", line);
        }
        done (one, "exits");
        monitors [1] = monitors [2] = 0;
        zanni_msg_t *msg = NULL;
        while (!zanni_receive (root, &msg, 0))   // what else the end of two said
            zanni_msg_destroy (&msg);
        uint64_t down = monitor (two);   // in the next round nothing of this one is under way
        for (bool over = false; !over; zanni_msg_destroy (&msg)) {
            msg = next ();
            over = zanni_msg_kind (msg) == ZANNI_MSG_DOWN && zanni_msg_id (msg) == down;
        }
    }
}

/* Of a process the one that started it may know more. */
static void
expect_gone (const char *before, const char *behind)
{
    char gone [80], killed [80], line [240];
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    say_line (line, sizeof line, msg);
    snprintf (gone, sizeof gone, "%sno such actor%s", before, behind);
    snprintf (killed, sizeof killed, "%skilled%s", before, behind);
    cr_assert (!strcmp (line, gone) || (place == ZANNI_PROCESS && !strcmp (line, killed)), "\"%s\" came", line);
}

EVERYWHERE (links, who_links_with_an_actor_that_is_gone_is_told_at_once)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    cr_assert_eq (zanni_kill (root, two), 0);
    expect_all ("2 ended: killed");
    done (one, "trap", true);
    done (one, "tie", two);
    expect_gone ("1 traps: ", " from its partner, linked");
    done (one, "tie", two);
    expect_gone ("1 traps: ", " from its partner, linked");
    done (one, "trap", false);
    tell (one, "tie", two);
    expect_gone ("1 stops: ", "");
    expect_gone ("1 ended: ", "");
}

EVERYWHERE (links, need_the_right_to_own)
{
    zanni_error_t error = { 0 };
    const zanni_reason_t shutdown = { .kind = ZANNI_EXIT_SHUTDOWN };
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    ZANNI_AUTO (zanni_ref_t) limited = NULL;
    cr_assert_eq (zanni_ref_limit (root, &limited, two), 0);
    cr_assert_eq (refused (&error, one, "link", limited), ZANNI_EPERM);
    cr_assert_eq (refused (&error, one, "unlink"), ZANNI_EPERM);
    cr_assert_eq (refused (&error, one, "signal", limited, (int64_t) ZANNI_EXIT_SHUTDOWN, 0, ""), ZANNI_EPERM);
    cr_assert_eq (zanni_link (root, limited), ZANNI_EPERM);
    cr_assert_eq (zanni_exit_signal (root, limited, &shutdown), ZANNI_EPERM);
    expect_alive (two, 0);
    zanni_error_reset (&error);
}

EVERYWHERE (links, of_nobody_or_oneself_and_signals_without_a_reason_are_refused)
{
    zanni_reason_t reason = { .kind = (zanni_exit_t) 8 };
    zanni_exit_signal_t signal;
    zanni_error_t error = { 0 };
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    cr_assert_eq (refused (&error, one, "link", one), ZANNI_EINVAL);
    cr_assert_eq (zanni_link (root, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_unlink (root, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_link (root, zanni_self (root)), ZANNI_EINVAL);
    cr_assert_eq (zanni_link (NULL, one), ZANNI_EINVAL);
    cr_assert_eq (zanni_trap_exits (NULL, true), ZANNI_EINVAL);
    cr_assert_eq (zanni_unlink (root, one), 0);
    cr_assert_eq (zanni_exit_signal (root, one, NULL), ZANNI_EINVAL);
    cr_assert_eq (zanni_exit_signal (root, one, &reason), ZANNI_EINVAL);
    reason.kind = ZANNI_EXIT_ERROR;
    cr_assert_eq (zanni_exit_signal (root, NULL, &reason), ZANNI_EINVAL);
    strcpy (reason.text, "\xff");
    cr_assert_eq (zanni_exit_signal (root, one, &reason), ZANNI_EINVAL);
    memset (reason.text, 'x', sizeof reason.text);
    cr_assert_eq (zanni_exit_signal (root, one, &reason), ZANNI_EINVAL);
    cr_assert_eq (zanni_msg_exit (NULL, &signal), ZANNI_EINVAL);
    expect_alive (one, 0);
    zanni_error_reset (&error);
}

EVERYWHERE (links, a_chain_ends_from_its_first_to_its_last)
{
    zanni_ref_t *twins [5];
    for (int i = 0; i < 5; i++)
        twins [i] = spawn_twin (i + 1);
    for (int i = 0; i < 4; i++)
        done (twins [i], "link", twins [i + 1]);
    tell (twins [0], "fail", 3, "enough");
    expect_all ("1 stops: error 3: enough", "1 ended: error 3: enough", "2 stops: error 3: enough", "2 ended: error 3: enough",
                "3 stops: error 3: enough", "3 ended: error 3: enough", "4 stops: error 3: enough", "4 ended: error 3: enough",
                "5 stops: error 3: enough", "5 ended: error 3: enough");
    for (int i = 0; i < 5; i++)
        zanni_ref_destroy (&twins [i]);
}

EVERYWHERE (links, a_ring_ends_at_who_traps)
{
    zanni_ref_t *twins [4];
    for (int i = 0; i < 4; i++)
        twins [i] = spawn_twin (i + 1);
    done (twins [0], "trap", true);
    for (int i = 0; i < 4; i++)
        done (twins [i], "link", twins [(i + 1) % 4]);
    tell (twins [2], "fail", 3, "enough");   // to the first by either way
    expect_all ("3 stops: error 3: enough", "3 ended: error 3: enough", "2 stops: error 3: enough", "2 ended: error 3: enough",
                "4 stops: error 3: enough", "4 ended: error 3: enough", "1 traps: error 3: enough from its partner, linked",
                "1 traps: error 3: enough from another, linked");
    expect_alive (twins [0], 2);
    for (int i = 0; i < 4; i++)
        zanni_ref_destroy (&twins [i]);
}

/* As many as would fill a stack, if each ended within the end of another. */
BESIDE (links, a_long_chain_ends_as_well)
{
    enum { BEADS = 20000 };
    static zanni_ref_t *beads [BEADS];
    int count = place == ZANNI_THREAD ? 100 : BEADS;
    const zanni_spawn_t beside = { .place = place, .worker = place == ZANNI_SHARED ? 1 : 0 };
    for (int i = 0; i < count; i++)
        beads [i] = spawn_with (&beside, "bead");
    for (int i = count - 1; i > 0; i--)
        cr_assert_eq (zanni_tell_wait (root, beads [i - 1], DEADLINE_MS, "link", beads [i]), 0);
    for (int i = 0; i < count; i++)   // none has anything before it any more
        if (i % 500 == 0 || i == count - 1)
            zanni_msg_destroy (&(zanni_msg_t *) { call (beads [i], "zanni.describe") });
    uint64_t last = monitor (beads [count - 1]);
    tell (beads [0], "fail", 3, "enough");
    zanni_reason_t reason = expect_down (last, false);
    cr_assert_eq (reason.kind, ZANNI_EXIT_ERROR);
    cr_assert_eq (reason.code, 3);
    for (int i = 0; i < count; i++)
        zanni_ref_destroy (&beads [i]);
}

EVERYWHERE (links, a_child_that_is_linked_before_it_has_begun_takes_its_parent_along)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    if (owns ()) {   // its spawn waits for the start, and fails: there is nobody to be linked with
        zanni_error_t error = { 0 };
        cr_assert_eq (refused (&error, one, "bear", "stillborn"), ZANNI_EARGS);
        zanni_error_reset (&error);
        return;
    }
    tell (one, "bear", "stillborn");
    ZANNI_AUTO (zanni_msg_t) msg = next ();
    char line [240];
    say_line (line, sizeof line, msg);
    cr_assert_eq (strncmp (line, "1 stops: error -7", 17), 0, "%s", line);
}

EVERYWHERE (links, a_parent_takes_its_child_along)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    done (one, "bear", "twin");
    tell (one, "fail", 3, "enough");
    expect_all ("1 stops: error 3: enough", "1 ended: error 3: enough", "2 stops: error 3: enough");
}

EVERYWHERE (links, a_restart_ends_them_and_the_next_incarnation_traps_nothing)
{
    ZANNI_AUTO (zanni_ref_t) one = spawn_twin (1);
    ZANNI_AUTO (zanni_ref_t) two = spawn_twin (2);
    done (one, "trap", true);
    done (two, "trap", true);
    done (one, "link", two);
    cr_assert_eq (zanni_restart (root, two), 0);
    expect_all ("2 stops: shutdown", "2 ended: shutdown", "1 traps: shutdown from its partner, linked");
    expect_alive (two, 0);
    tell (one, "end");
    expect_all ("1 stops: normal", "1 ended: normal");
    expect_alive (two, 0);
    monitors [2] = monitor (two);
    const zanni_reason_t reason = { .kind = ZANNI_EXIT_ERROR, .code = 3 };
    cr_assert_eq (zanni_exit_signal (root, two, &reason), 0);
    expect_all ("2 stops: error 3", "2 ended: error 3");
}
