/* classes.h: the actors of this program.

       files --> reader --chunk--> counter (any number, any place)
                 reader <--words--
                 reader --words--> merger */

#ifndef WORDCOUNT_CLASSES_H
#define WORDCOUNT_CLASSES_H

#include <zanni.h>

extern const zanni_class_t counter_class;
extern const zanni_class_t merger_class;
extern const zanni_class_t reader_class;

#endif
