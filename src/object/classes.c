#include "classes.h"

#include "../actor/class.h"
#include "../base/assert.h"

#include <zanni/object.h>

int
zanni__ready_classes (void)
{
    static const zanni_class_t *const classes [] = {
        &zanni__lock_class, &zanni__rlock_class, &zanni__semaphore_class, &zanni__bounded_class, &zanni__event_class,
        &zanni__queue_class, &zanni__joinable_class, &zanni__condition_class, &zanni__barrier_class,
        &zanni__counter_class, &zanni__value_class, &zanni__result_class,
        &zanni__dict_class, &zanni__namespace_class, &zanni__list_class, &zanni__array_class, NULL
    };
    for (size_t i = 0; classes [i]; i++)
        zanni__assert (classes [i]->state_size <= sizeof (zanni_ready_t));
    return zanni__class_ready (classes);
}
