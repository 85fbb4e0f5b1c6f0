/* The pipe of a zactor function, both ends in the hands of the test: what is in it when the function returns. */

#include "place/pipe.h"

#include <criterion/criterion.h>

static zanni__pipe_t *s_pipe;
static zsock_t *s_ours;
static zsock_t *s_theirs;

static void
nothing (zsock_t *sock, void *args)
{
    (void) sock, (void) args;
}

static void
setup (void)
{
    cr_assert_eq (zanni__pipe_new (&s_pipe, nothing, NULL, "test"), 0);
    s_ours = zsys_create_pipe (&s_theirs);
    cr_assert_not_null (s_ours);
    zanni__pipe_begin (s_pipe, s_ours);
}

static void
teardown (void)
{
    zanni__pipe_free (&s_pipe);
    zsock_destroy (&s_ours);
    zsock_destroy (&s_theirs);
}

TestSuite (pipe, .init = setup, .fini = teardown, .timeout = 20);

static zanni__sent_t
send_text (const char *text)
{
    zmsg_t *zmsg = zmsg_new ();
    cr_assert_eq (zmsg_addstr (zmsg, text), 0);
    zanni__sent_t sent = zanni__pipe_send (s_pipe, &zmsg);
    cr_assert_eq (zmsg == NULL, sent == ZANNI__SENT, "what was not sent is the caller's");
    zmsg_destroy (&zmsg);
    return sent;
}

static void
expect_text (zmsg_t *zmsg, const char *text)
{
    cr_assert_not_null (zmsg);
    char *got = zmsg_popstr (zmsg);
    cr_assert_str_eq (got, text);
    zstr_free (&got);
    zmsg_destroy (&zmsg);
}

Test (pipe, what_the_function_never_read_comes_back_in_order)
{
    cr_assert_eq (send_text ("one"), ZANNI__SENT);
    cr_assert_eq (send_text ("two"), ZANNI__SENT);
    cr_assert_eq (send_text ("three"), ZANNI__SENT);
    expect_text (zmsg_recv (s_theirs), "one");
    zanni__pipe_end (s_pipe, s_theirs);
    expect_text (zanni__pipe_unread (s_pipe), "two");
    expect_text (zanni__pipe_unread (s_pipe), "three");
    cr_assert_null (zanni__pipe_unread (s_pipe));
}

Test (pipe, what_the_function_said_comes_before_its_end_and_nothing_behind)
{
    cr_assert_eq (zstr_send (s_theirs, "last words"), 0);
    cr_assert_eq (zsock_signal (s_theirs, 0), 0);   // in the midst of its life: no end
    zanni__pipe_end (s_pipe, s_theirs);
    cr_assert_eq (zsock_signal (s_theirs, 0), 0);   // czmq's own, which zactor_destroy waits for
    expect_text (zanni__pipe_receive (s_pipe), "last words");
    zmsg_t *signal = zanni__pipe_receive (s_pipe);
    cr_assert_eq (zmsg_signal (signal), 0);
    zmsg_destroy (&signal);
    cr_assert_not (s_pipe->ended);
    cr_assert_null (zanni__pipe_receive (s_pipe));
    cr_assert (s_pipe->ended);
    cr_assert_null (zanni__pipe_receive (s_pipe));
    cr_assert_eq (zsock_wait (s_ours), 0);
}

Test (pipe, takes_nothing_for_a_function_that_has_returned)
{
    cr_assert_not (zanni__pipe_returned (s_pipe));
    zanni__pipe_end (s_pipe, s_theirs);
    cr_assert (zanni__pipe_returned (s_pipe));
    cr_assert_eq (send_text ("too late"), ZANNI__NO_READER);
    cr_assert (zanni__pipe_tell_to_end (s_pipe), "it need not be told any more");
}

Test (pipe, that_is_full_takes_the_end_once_there_is_room)
{
    int count = 0;
    while (send_text ("more") == ZANNI__SENT)
        count++;
    cr_assert_gt (count, 0);
    cr_assert_not (zanni__pipe_tell_to_end (s_pipe));
    for (int i = 0; i < count; i++)
        expect_text (zmsg_recv (s_theirs), "more");
    cr_assert (zanni__pipe_tell_to_end (s_pipe));
    cr_assert (zanni__pipe_tell_to_end (s_pipe), "once is enough");
    expect_text (zmsg_recv (s_theirs), "$TERM");
    zsock_set_rcvtimeo (s_theirs, 0);
    cr_assert_null (zmsg_recv (s_theirs));
}
