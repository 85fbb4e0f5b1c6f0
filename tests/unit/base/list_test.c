/* Rings whose members leave from the middle. */

#include "base/list.h"

#include <criterion/criterion.h>

typedef struct {
    int number;
    zanni__link_t link;
} member_t;

static zanni__link_t ring;
static member_t members [3];

static void
fill (void)
{
    zanni__link_init (&ring);
    for (int i = 0; i < 3; i++) {
        members [i].number = i;
        zanni__list_append (&ring, &members [i].link);
    }
}

Test (list, is_empty_at_first)
{
    zanni__link_init (&ring);
    cr_assert (zanni__list_empty (&ring));
}

Test (list, keeps_the_order_of_appends, .init = fill)
{
    int expected = 0;
    for (zanni__link_t *link = ring.next; link != &ring; link = link->next)
        cr_assert_eq (ZANNI__CONTAINER (link, member_t, link)->number, expected++);
    cr_assert_eq (expected, 3);
    for (zanni__link_t *link = ring.prev; link != &ring; link = link->prev)
        cr_assert_eq (ZANNI__CONTAINER (link, member_t, link)->number, --expected);
}

Test (list, lets_go_of_one_in_its_middle, .init = fill)
{
    zanni__link_remove (&members [1].link);
    cr_assert_eq (members [0].link.next, &members [2].link);
    cr_assert_eq (members [2].link.prev, &members [0].link);
}

Test (list, may_be_left_twice, .init = fill)
{
    zanni__link_remove (&members [0].link);
    zanni__link_remove (&members [0].link);
    cr_assert_eq (ring.next, &members [1].link);
}

Test (list, is_empty_when_all_have_left, .init = fill)
{
    for (int i = 0; i < 3; i++)
        zanni__link_remove (&members [i].link);
    cr_assert (zanni__list_empty (&ring));
}

Test (list, is_empty_for_a_link_that_is_in_none, .init = fill)
{
    zanni__link_remove (&members [1].link);
    cr_assert (zanni__list_empty (&members [1].link));
}
