/* Turning into dpcache-core, here or behind the caller's back. */
#ifndef DPC_BECOME_H
#define DPC_BECOME_H

#include <stdbool.h>

/* Exec the core that can load engines (plugin.h), where these words or DPCACHE_STORE
 * may ask for one of those; returns when they do not, or there is no such core. To
 * whoever becomes it nothing must have happened that an exec would lose. */
void become_shared(char *const *argv);

/* The same; or else exec the one that starts faster. Returns 125 and says so when there is none.
 * Signal dispositions are the caller's to have put back. */
int become_core(char *const *argv);

/* End with `status` at once, while `function` goes on in a process of its own,
 * in what was our memory: a fork's copy would cost as much as the whole answer.
 * It has a session of its own: no signal that is meant for our caller's group or
 * terminal reaches it, however soon it comes. Where there can be no process we
 * just end. */
_Noreturn void become_another(int status, int (*function)(void *), void *context);

/* There: leave the streams (but standard input, if kept, from offset
 * `input_at` on) and every descriptor but the two of `keep` (-1: none). After it
 * the process shares nothing with its parent that anybody could wait for. */
void become_detached(bool keep_input, long long input_at, const int keep[2]);

/* On nothing: what a command line calls open. */
void become_open(int fd);

#endif
