/* What the tests of the engines behind store.h share. */
#ifndef STORED_H
#define STORED_H

#include "support.h"

#include "store.h"

/* Made where there is none; for one transaction. */
struct store open_store(const struct fixture *f);
/* Not for a single transaction: beside others. */
struct store open_beside(const struct fixture *f);

/* Under this name, with a value in every field. */
struct entry_info entry(const char *name, int64_t created);
void put_inline(struct store *s, const char *name, int64_t created, const char *capsule);
void put_file(struct store *s, const char *name, int64_t created, const char *file);

/* `file` NULL: it is inline. */
void assert_holds(struct store *s, const char *name, const char *capsule, const char *file);
void assert_lacks(struct store *s, const char *name);

struct visits {
	struct entry_info seen[8];
	size_t count, stop_after;
	char label[16];
};

/* A store_visit_fn into a struct visits. */
int visit(void *context, const struct entry_info *info);

/* The engine's file, and "a" to "z" in it and nowhere else. */
const char *database(const struct fixture *f);
void plant(const struct fixture *f);

#endif
