/* record: what an engine of the DBM family keeps under which key. One format for all
 * of them, so that a record means the same wherever it lies. */
#ifndef DPC_RECORD_H
#define DPC_RECORD_H

#include "store.h"

/* All keys begin with the letter of their kind; entries and usages go on with the
 * sixteen bytes of the entry's key, the others are alone in their kind. */
enum record_kind {
	RECORD_COUNTERS = 'c',
	RECORD_ENTRY = 'e',
	RECORD_GENERATION = 'g', /* GDBM's */
	RECORD_USAGE = 'u',
	RECORD_VERSION = 'v'
};

struct record_key {
	uint8_t bytes[1 + sizeof(struct digest)];
	size_t size;
};

/* `d` NULL: there is no more to it than its kind. */
struct record_key record_key(enum record_kind kind, const struct digest *d);

/* An entry is this, and behind it the capsule, where it is inline. */
void record_encode_entry(struct buf *b, const struct entry_info *info);

/* Borrowed from `value`, all but hits and used, which are a usage's. false: it is
 * damaged. */
bool record_decode_entry(struct entry_info *info, struct slice *capsule, const struct digest *key,
                         struct slice value);

/* How often an entry was used, and when last. */
struct usage {
	uint64_t hits;
	int64_t used; /* wall clock, ns */
};

void record_encode_usage(struct buf *b, const struct usage *u);
struct usage record_decode_usage(struct slice value);

/* With this hit, too. */
struct usage usage_add(const struct usage *u, const struct event_record *hit);

void record_encode_counters(struct buf *b, const struct counters *c);
/* One that has fewer was made before there were the others. */
struct counters record_decode_counters(struct slice value);

/* What says that a file is ours, and of which schema. */
enum { RECORD_SCHEMA = 1, RECORD_STAMP = 32 };
struct slice record_stamp(char text[RECORD_STAMP]);
/* DPC_E_CORRUPT for none of ours, DPC_E_VERSION for a later one, of the file `path`. */
int record_check_stamp(struct slice value, const char *path, dpc_error *err);

#endif
