#include "counted.h"

struct calls calls;

extern const struct store_ops __real_store_sqlite;
/* What the linker puts in the place of store_sqlite. */
extern const struct store_ops __wrap_store_sqlite;

unsigned calls_total(void)
{
	return calls.opens + calls.closes + calls.gets + calls.puts + calls.removes + calls.looks + calls.batches +
	       calls.others;
}

static const char *version(void)
{
	return __real_store_sqlite.version();
}

static int open(void **self, const struct home *h, enum store_access access, dpc_error *err)
{
	calls.opens++;
	calls.access = access;
	return __real_store_sqlite.open(self, h, access, err);
}

static void close(void *self)
{
	calls.closes++;
	__real_store_sqlite.close(self);
}

static int get(void *self, const struct digest *key, struct buf *capsule, struct buf *file, dpc_error *err)
{
	calls.gets++;
	return __real_store_sqlite.get(self, key, capsule, file, err);
}

static int put(void *self, const struct entry_info *info, struct slice capsule, struct buf *old_file, dpc_error *err)
{
	calls.puts++;
	return __real_store_sqlite.put(self, info, capsule, old_file, err);
}

static int remove_entry(void *self, const struct digest *key, struct buf *old_file, dpc_error *err)
{
	calls.removes++;
	return __real_store_sqlite.remove(self, key, old_file, err);
}

static int batch(void *self, bool begin, dpc_error *err)
{
	calls.batches++;
	return __real_store_sqlite.batch(self, begin, err);
}

static int look(void *self, const struct digest *key, struct entry_info *info, dpc_error *err)
{
	calls.looks++;
	return __real_store_sqlite.look(self, key, info, err);
}

static int each(void *self, store_visit_fn *visit, void *context, dpc_error *err)
{
	calls.others++;
	return __real_store_sqlite.each(self, visit, context, err);
}

static int count(void *self, const struct counters *add, const struct event_record *hits, size_t n, dpc_error *err)
{
	calls.others++;
	return __real_store_sqlite.count(self, add, hits, n, err);
}

static int totals(void *self, struct counters *out, dpc_error *err)
{
	calls.others++;
	return __real_store_sqlite.totals(self, out, err);
}

static int reset_totals(void *self, dpc_error *err)
{
	calls.others++;
	return __real_store_sqlite.reset_totals(self, err);
}

static int check(void *self, dpc_error *err)
{
	calls.others++;
	return __real_store_sqlite.check(self, err);
}

static int compact(void *self, dpc_error *err)
{
	calls.others++;
	return __real_store_sqlite.compact(self, err);
}

static int quarantine(const struct home *h, char *moved, size_t size, dpc_error *err)
{
	calls.others++;
	return __real_store_sqlite.quarantine(h, moved, size, err);
}

/* Looks at the file alone. */
static bool stands(void *self)
{
	return __real_store_sqlite.stands(self);
}

static void settle(void *self)
{
	calls.others++;
	__real_store_sqlite.settle(self);
}

const struct store_ops __wrap_store_sqlite = {
    .name = "counted",
    .version = version,
    .open = open,
    .close = close,
    .get = get,
    .put = put,
    .remove = remove_entry,
    .batch = batch,
    .look = look,
    .each = each,
    .count = count,
    .totals = totals,
    .reset_totals = reset_totals,
    .check = check,
    .compact = compact,
    .quarantine = quarantine,
    .keeps = true,
    .stands = stands,
    .settle = settle,
};
