#include "stored.h"

#include <stdio.h>

struct store open_store(const struct fixture *f)
{
	struct store s;
	dpc_error err = {0};
	if (store_open(&s, &f->home, true, &err) != DPC_OK)
		fail_msg("%s", err.message);
	return s;
}

struct store open_beside(const struct fixture *f)
{
	struct store s = open_store(f);
	store_close(&s);
	assert_int_equal(store_open(&s, &f->home, false, NULL), DPC_OK);
	return s;
}

struct entry_info entry(const char *name, int64_t created)
{
	return (struct entry_info){
	    .key = digest_named(name),
	    .question = digest_named("question"),
	    .created = created,
	    .ttl = DPC_FOREVER,
	    .generation = UINT64_C(1) << 60,
	    .cost = 3,
	    .output_size = 4,
	    .stored_size = 5,
	    .status = -6,
	    .flags = CAPSULE_VALUE,
	    .label = slice_of("label"),
	};
}

void put_inline(struct store *s, const char *name, int64_t created, const char *capsule)
{
	struct entry_info e = entry(name, created);
	struct buf old = {0};
	assert_int_equal(store_put(s, &e, slice_of(capsule), &old, NULL), DPC_OK);
	buf_release(&old);
}

void put_file(struct store *s, const char *name, int64_t created, const char *file)
{
	struct entry_info e = entry(name, created);
	struct buf old = {0};
	e.file = file;
	assert_int_equal(store_put(s, &e, (struct slice){NULL, 0}, &old, NULL), DPC_OK);
	buf_release(&old);
}

void assert_holds(struct store *s, const char *name, const char *capsule, const char *file)
{
	struct digest key = digest_named(name);
	struct buf bytes = {0}, path = {0};
	assert_int_equal(store_get(s, &key, &bytes, &path, NULL), DPC_OK);
	assert_true(slice_equal(slice_of_buf(&bytes), slice_of(capsule)));
	if (file)
		assert_string_equal((const char *)path.data, file);
	else
		assert_int_equal(path.size, 0);
	buf_release(&bytes);
	buf_release(&path);
}

void assert_lacks(struct store *s, const char *name)
{
	struct digest key = digest_named(name);
	struct buf bytes = {0}, path = {0};
	assert_int_equal(store_get(s, &key, &bytes, &path, NULL), DPC_MISS);
	assert_int_equal(bytes.size + path.size, 0);
	buf_release(&bytes);
	buf_release(&path);
}

int visit(void *context, const struct entry_info *info)
{
	struct visits *v = context;
	v->seen[v->count++] = *info;
	snprintf(v->label, sizeof v->label, "%.*s", (int)info->label.size, (const char *)info->label.data);
	return v->count == v->stop_after ? DPC_E_DENIED : DPC_OK;
}

const char *database(const struct fixture *f)
{
	return path_at_home(f, engine_names[home_engine].file);
}

void plant(const struct fixture *f)
{
	struct store s = open_store(f);
	for (char c = 'a'; c <= 'z'; c++) {
		char name[2] = {c, '\0'};
		put_inline(&s, name, c, "some capsule");
	}
	/* Into the file itself, out of the log. */
	assert_int_equal(store_compact(&s, NULL), DPC_OK);
	store_close(&s);
	unlink(path_at_home(f, "cache.db-wal"));
	unlink(path_at_home(f, "cache.db-shm"));
}
