/* race.h: tells the thread sanitizer about hand-overs that it cannot see, because they pass through libzmq, which is
   not built with it. Nothing in ordinary builds. */

#ifndef ZANNI_BASE_RACE_H
#define ZANNI_BASE_RACE_H

#if defined __has_feature
#if __has_feature(thread_sanitizer)
#define ZANNI__WATCHES_RACES
#endif
#endif
#if defined __SANITIZE_THREAD__
#define ZANNI__WATCHES_RACES
#endif

#if defined ZANNI__WATCHES_RACES
void __tsan_acquire (void *address);
void __tsan_release (void *address);
#define ZANNI__HANDED_OVER(address) __tsan_release (address)
#define ZANNI__TAKEN_OVER(address) __tsan_acquire (address)
#else
#define ZANNI__HANDED_OVER(address) ((void) 0)
#define ZANNI__TAKEN_OVER(address) ((void) 0)
#endif

#endif
