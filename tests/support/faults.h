/* faults.h: an allocator that fails when it is told to and knows what is still held. For the whole process, from any
   thread. What it gives is filled with rubbish: nobody may count on zeros.

   Install it while nothing of zanni is held but registered classes. Criterion's own memory does not pass here. */

#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include <stdbool.h>

/* Everything that the library allocates passes here from now on; counts begin at 0. */
void faults_install (void);
void faults_remove (void);

/* The n-th allocation from now on fails (from 1), and `more` behind it; 0: none does. */
void faults_fail (long nth, long more);

/* One allocation in `among` fails, by this seed; 0: none does. */
void faults_fail_some (unsigned among, unsigned long seed);

/* Whether an allocation has failed since the last faults_fail or faults_fail_some. */
bool faults_struck (void);

/* Blocks that are held now, and allocations that were tried so far. */
long faults_held (void);
long faults_tried (void);

#endif
