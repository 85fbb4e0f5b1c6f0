/* Queues of items. */

#include "base/queue.h"

#include <criterion/criterion.h>

static zanni__item_t items [3];

Test (queue, that_is_empty_yields_nothing)
{
    zanni__queue_t queue = { .head = NULL };
    cr_assert_null (zanni__queue_pop (&queue));
    cr_assert_null (zanni__queue_take (&queue));
}

Test (queue, yields_in_the_order_of_pushes)
{
    zanni__queue_t queue = { .head = NULL };
    for (size_t i = 0; i < 3; i++)
        zanni__queue_push (&queue, &items [i]);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq (zanni__queue_pop (&queue), &items [i]);
    cr_assert_null (zanni__queue_pop (&queue));
}

Test (queue, yields_first_what_was_pushed_to_its_front)
{
    zanni__queue_t queue = { .head = NULL };
    zanni__queue_push (&queue, &items [1]);
    zanni__queue_push_front (&queue, &items [0]);
    zanni__queue_push (&queue, &items [2]);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq (zanni__queue_pop (&queue), &items [i]);
}

Test (queue, goes_on_behind_a_front_push_into_an_empty_one)
{
    zanni__queue_t queue = { .head = NULL };
    zanni__queue_push_front (&queue, &items [0]);
    zanni__queue_push (&queue, &items [1]);
    cr_assert_eq (zanni__queue_pop (&queue), &items [0]);
    cr_assert_eq (zanni__queue_pop (&queue), &items [1]);
    cr_assert_null (zanni__queue_pop (&queue));
}

Test (queue, can_be_used_again_when_it_was_emptied)
{
    zanni__queue_t queue = { .head = NULL };
    zanni__queue_push (&queue, &items [0]);
    cr_assert_eq (zanni__queue_pop (&queue), &items [0]);
    zanni__queue_push (&queue, &items [1]);
    cr_assert_eq (zanni__queue_pop (&queue), &items [1]);
    cr_assert_null (zanni__queue_pop (&queue));
}

/* A queue of the first `count` items. */
static zanni__queue_t
queue_of (size_t count)
{
    zanni__queue_t queue = { .head = NULL };
    for (size_t i = 0; i < count; i++)
        zanni__queue_push (&queue, &items [i]);
    return queue;
}

Test (queue, takes_in_behind_any_item)
{
    for (int at = 0; at < 2; at++) {
        zanni__queue_t queue = queue_of (1);
        zanni__queue_insert (&queue, at ? &items [0] : NULL, &items [1]);
        zanni__queue_push (&queue, &items [2]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [!at]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [at]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [2]);
        cr_assert_null (zanni__queue_pop (&queue));
    }
}

Test (queue, lets_go_of_any_item)
{
    for (size_t at = 0; at < 3; at++) {
        zanni__queue_t queue = queue_of (3);
        zanni__queue_unlink (&queue, at ? &items [at - 1] : NULL, &items [at]);
        zanni__queue_push (&queue, &items [at]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [at ? 0 : 1]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [at == 2 ? 1 : 2]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [at]);
        cr_assert_null (zanni__queue_pop (&queue));
    }
}

Test (queue, goes_behind_another_that_is_put_before_it)
{
    for (size_t first = 0; first < 2; first++) {
        zanni__queue_t queue = { .head = NULL }, other = queue_of (first);
        zanni__queue_prepend (&queue, &other);
        cr_assert_null (other.head);
        zanni__queue_push (&other, &items [1]);
        zanni__queue_prepend (&queue, &other);
        zanni__queue_push (&queue, &items [2]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [1]);
        if (first)
            cr_assert_eq (zanni__queue_pop (&queue), &items [0]);
        cr_assert_eq (zanni__queue_pop (&queue), &items [2]);
    }
}

Test (queue, taken_whole_is_a_chain_in_order)
{
    zanni__queue_t queue = { .head = NULL };
    for (size_t i = 0; i < 3; i++)
        zanni__queue_push (&queue, &items [i]);
    zanni__item_t *chain = zanni__queue_take (&queue);
    cr_assert_null (queue.head);
    for (size_t i = 0; i < 3; i++, chain = chain->next)
        cr_assert_eq (chain, &items [i]);
    cr_assert_null (chain);
}
