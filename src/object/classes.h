/* classes.h: the classes of this folder. */

#ifndef ZANNI_OBJECT_CLASSES_H
#define ZANNI_OBJECT_CLASSES_H

#include <zanni/class.h>

extern const zanni_class_t zanni__lock_class, zanni__rlock_class, zanni__semaphore_class, zanni__bounded_class,
    zanni__event_class, zanni__queue_class, zanni__joinable_class, zanni__condition_class,
    zanni__barrier_class, zanni__counter_class, zanni__value_class, zanni__result_class,
    zanni__dict_class, zanni__namespace_class, zanni__list_class, zanni__array_class;

/* Registers them, so that programs can spawn them by name. Again is no fault. ZANNI_ENOMEM. */
int zanni__ready_classes (void);

#endif
