/* A library of classes for zanni-child: the worker, and nothing else. */

#include "worker.h"

__attribute__ ((visibility ("default"))) const zanni_class_t *const zanni_classes [] = { &worker_class, NULL };
