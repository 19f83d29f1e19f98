/* redis_link: connections to a Redis or Valkey server, kept for the next who opens the
 * store, and commands over them. hiredis writes and reads the protocol; channel.h
 * carries it.
 *
 *   redis_link_open → redis_ask …, or redis_say …, redis_answer … → redis_link_close
 *
 * A link is for one thread at a time, and one user. A process that was forked has none
 * of its parent's. */
#ifndef DPC_REDIS_LINK_H
#define DPC_REDIS_LINK_H

#include "store.h"
#include "channel.h"

#include <hiredis/hiredis.h>

struct redis_link {
	struct channel channel;
	redisReader *reader;
	struct buf unsent;
	int unread;              /* answers to come first that nobody waits for */
	const struct home *home; /* borrowed, from open to close */
	int64_t ahead;           /* ns by which the server's clock is ahead of ours; 0: less than a second */
	bool broken;
	uint64_t process;        /* that opened it (process.h) */
	char name[NET_TEXT + 32]; /* for messages: no user, no password */
};

/* DPC_E_IO when it does not answer, or has not a moment ago (breaker.h), or refuses the
 * password. */
int redis_link_open(struct redis_link **out, const struct home *h, dpc_error *err);

/* To another place of it, by itself: for what occupies a link. Not kept. */
int redis_link_open_another(struct redis_link **out, const struct home *h, dpc_error *err);
void redis_link_close(struct redis_link *l);

/* A command's words; more than fit are a bug. */
enum { REDIS_WORDS = 12 };
struct redis_words {
	struct slice v[REDIS_WORDS];
	size_t count;
};
void redis_add(struct redis_words *w, const void *data, size_t size);
void redis_add_text(struct redis_words *w, const char *text);

/* Put a command into the queue. It is sent by redis_answer, or redis_send. */
int redis_say(struct redis_link *l, const struct redis_words *w, dpc_error *err);
int redis_send(struct redis_link *l, dpc_error *err);

/* The answer to what was said last is nobody's: it is passed over when it comes. */
void redis_forget_answer(struct redis_link *l);

/* The next answer, by `deadline` (clock_mono_ns); DPC_MISS when none has come. It is the
 * caller's, for freeReplyObject. An error that the server tells is a DPC_E_IO here. */
int redis_answer_by(redisReply **out, struct redis_link *l, int64_t deadline, dpc_error *err);
/* The same, within the store's time-out. */
int redis_answer(redisReply **out, struct redis_link *l, dpc_error *err);

/* Say and answer. */
int redis_ask(redisReply **out, struct redis_link *l, const struct redis_words *w, dpc_error *err);

/* --- names of keys --- */

enum { REDIS_KEY = 128 };

/* "dpc:NS:{KEY}:KIND", all of one key on one node of a cluster. */
void redis_key(char out[REDIS_KEY], const struct redis_link *l, const struct digest *key, char kind);
/* "dpc:NS:WORD". */
void redis_name(char out[REDIS_KEY], const struct redis_link *l, const char *word);

#endif
