/* classes.h: the actors of this program.

       conductor --make--> source --frame--> filter 1 --frame--> ... --frame--> sink
       conductor <--arrived-- sink

   The conductor is the program's own thread; the others run where the options say. */

#ifndef PIPELINE_CLASSES_H
#define PIPELINE_CLASSES_H

#include <zanni.h>

extern const zanni_class_t conductor_class;
extern const zanni_class_t stage_class;   // what source, filter and sink inherit
extern const zanni_class_t source_class;
extern const zanni_class_t filter_class;
extern const zanni_class_t sink_class;

#endif
