/* See lmdb_pages.h. */
#include "lmdb_pages.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HEADER = 16, /* of a page: number, padding, flags, then two offsets, or a count of pages */
	FLAGS_AT = 10,
	LOWER_AT = 12,
	UPPER_AT = 14,
	NODE = 8, /* of a node: size or page, flags, size of the key */
	BRANCH = 1,
	LEAF = 2,
	OVERFLOW = 4,
	ELSEWHERE = 1, /* flag of a node: its data have pages of their own */
	DEEPEST = 20
};

/* The two first pages say where the rest is; the later one of them counts. */
enum {
	META_MAGIC = 16,
	META_VERSION = 20,
	META_FREE = 40, /* the tree of free pages */
	META_MAIN = 88,
	META_LAST = 136, /* page */
	META_TXN = 144,
	META_SIZE = 152,
	TREE_PAGE_SIZE = 0,
	TREE_FLAGS = 4,
	TREE_ROOT = 40,
	TREE_KIND = 0xff, /* above: how the file is opened */
	INTEGER_KEYS = 8
};

static const uint32_t MAGIC = 0xBEEFC0DE, FORMAT = 1;
static const uint64_t NO_PAGE = UINT64_MAX;

/* LMDB writes as the machine does. */
static uint16_t get16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* --- the file --- */

static bool is_page_size(uint32_t size)
{
	return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

static bool is_meta(const uint8_t *meta)
{
	return get32(meta + META_MAGIC) == MAGIC && is_page_size(get32(meta + META_FREE + TREE_PAGE_SIZE)) &&
	       (get16(meta + META_FREE + TREE_FLAGS) & TREE_KIND) == INTEGER_KEYS && get16(meta + META_MAIN + TREE_FLAGS) == 0;
}

static int read_metas(int fd, const char *path, dpc_error *err)
{
	uint8_t meta[2][META_SIZE];
	bool good = os_pread_full(fd, meta[0], META_SIZE, 0) == META_SIZE && get32(meta[0] + META_MAGIC) == MAGIC;
	if (good && get32(meta[0] + META_VERSION) > FORMAT)
		return dpc__fail(err, DPC_E_VERSION, "%s was made by a later LMDB; upgrade, or set DPCACHE_DIR", path);
	good = good && is_meta(meta[0]);
	off_t second = good ? (off_t)get32(meta[0] + META_FREE + TREE_PAGE_SIZE) : 0;
	good = good && os_pread_full(fd, meta[1], META_SIZE, second) == META_SIZE && is_meta(meta[1]);
	return good ? DPC_OK
	            : dpc__fail(err, DPC_E_CORRUPT, "%s is damaged, empty or not dpcache's; run: dpcache doctor --fix", path);
}

int lmdb_pages_file(const struct home *h, const char *name, dpc_error *err)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%.4000s/%s", h->path, name);
	int fd = openat(h->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return dpc__fail(err, DPC_E_NOTFOUND, "nothing is remembered yet");
	if (fd < 0)
		return dpc__fail_errno(err, "cannot open %s", path);
	int rc = read_metas(fd, path, err);
	close(fd);
	return rc;
}

/* --- the pages --- */

struct tour {
	const uint8_t *map;
	uint32_t page_size;
	uint64_t pages;    /* in the file */
	uint64_t left;     /* more than there are means that they go round in circles */
	const MDB_val *key; /* NULL: all */
	bool beside;
	bool lists; /* the data are lists of free pages */
	bool narrow; /* nothing but what a search for the key touches, which leaves in … */
	MDB_val found; /* … what is under it; mv_data NULL: nothing */
};

static const uint8_t *page_at(const struct tour *t, uint64_t number)
{
	return t->map + number * t->page_size;
}

struct node {
	const uint8_t *key;
	uint16_t key_size, flags;
	uint32_t size;  /* of a leaf's data */
	uint64_t child; /* of a branch */
};

static struct node node_at(const uint8_t *page, unsigned i)
{
	const uint8_t *n = page + get16(page + HEADER + 2 * i);
	return (struct node){.key = n + NODE,
	                     .key_size = get16(n + 6),
	                     .flags = get16(n + 4),
	                     .size = get32(n),
	                     .child = get32(n) | (uint64_t)get16(n + 4) << 32};
}

static unsigned node_count(const uint8_t *page)
{
	return (unsigned)(get16(page + LOWER_AT) - HEADER) / 2;
}

static bool bounds_fit(const struct tour *t, const uint8_t *page)
{
	uint32_t lower = get16(page + LOWER_AT), upper = get16(page + UPPER_AT);
	/* 0 stands for all of the largest pages. */
	return lower >= HEADER + 2 && lower % 2 == 0 && lower <= upper && upper <= t->page_size;
}

/* What it takes; 0: it does not lie within the page. */
static uint32_t node_size(const struct tour *t, const uint8_t *page, unsigned i, bool leaf)
{
	uint32_t at = get16(page + HEADER + 2 * i);
	if (at < get16(page + UPPER_AT) || at % 2 || at + NODE > t->page_size)
		return 0;
	struct node n = node_at(page, i);
	if (leaf && (n.flags & ~ELSEWHERE))
		return 0;
	uint64_t size = NODE + (uint64_t)n.key_size + (!leaf ? 0 : n.flags ? sizeof(uint64_t) : n.size);
	return at + size > t->page_size ? 0 : (uint32_t)(size + size % 2);
}

/* Number, count and data of a page's node lie within bounds. */
static bool nodes_fit(const struct tour *t, const uint8_t *page, bool leaf)
{
	uint32_t used = 0;
	if (!bounds_fit(t, page))
		return false;
	for (unsigned i = 0; i < node_count(page); i++) {
		uint32_t size = node_size(t, page, i, leaf);
		if (!size)
			return false;
		used += size;
	}
	return used <= t->page_size - get16(page + UPPER_AT);
}

/* The data of a leaf's node, or NULL. */
static const uint8_t *data_of(const struct tour *t, const struct node *n)
{
	const uint8_t *data = n->key + n->key_size;
	if (!n->flags)
		return data;
	uint64_t number = get64(data), need = (HEADER + (uint64_t)n->size + t->page_size - 1) / t->page_size;
	if (number >= t->pages || need > t->pages - number)
		return NULL;
	const uint8_t *page = page_at(t, number);
	uint32_t count = get32(page + LOWER_AT);
	bool sound = get64(page) == number && get16(page + FLAGS_AT) == OVERFLOW && count >= need &&
	             count <= t->pages - number;
	return sound ? page + HEADER : NULL;
}

/* How many there are, and then their numbers, the largest first. Those at the end of
 * the file may not be in it yet. */
static bool is_list(const struct node *n, const uint8_t *data)
{
	uint64_t count = n->size >= sizeof count ? get64(data) : NO_PAGE;
	if (n->key_size != sizeof count || count >= n->size / sizeof count)
		return false;
	for (uint64_t i = 1; i <= count; i++) {
		uint64_t number = get64(data + 8 * i);
		if (number < 2 || (i > 1 && number >= get64(data + 8 * (i - 1))))
			return false;
	}
	return true;
}

static int compare(const struct node *n, const MDB_val *key)
{
	size_t size = n->key_size < key->mv_size ? n->key_size : key->mv_size;
	int order = memcmp(n->key, key->mv_data, size);
	return order ? order : n->key_size < key->mv_size ? -1 : n->key_size > key->mv_size;
}

/* The child in which the key is; the first one's own key says nothing. */
static unsigned way_to(const uint8_t *page, const MDB_val *key)
{
	unsigned i = 1;
	while (i < node_count(page)) {
		struct node n = node_at(page, i);
		if (compare(&n, key) > 0)
			break;
		i++;
	}
	return i - 1;
}

/* The same as LMDB finds it, looking at no more than it does: in a leaf the node of the
 * key, else the last one before it. *exact: it is that very key. false: damaged. */
static bool search(unsigned *found, bool *exact, const struct tour *t, const uint8_t *page, bool leaf)
{
	unsigned low = leaf ? 0 : 1, high = node_count(page);
	*exact = false;
	while (low < high && !*exact) {
		unsigned middle = (low + high - 1) / 2;
		if (!node_size(t, page, middle, leaf))
			return false;
		struct node n = node_at(page, middle);
		int order = compare(&n, t->key);
		*exact = order == 0;
		if (order <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = low ? low - 1 : 0;
	return leaf || *found || node_size(t, page, 0, leaf);
}

static bool leaf_is_sound(const struct tour *t, const uint8_t *page)
{
	for (unsigned i = 0; i < node_count(page); i++) {
		struct node n = node_at(page, i);
		const uint8_t *data = data_of(t, &n);
		if (!data || !n.key_size || (t->lists && !is_list(&n, data)))
			return false;
	}
	return true;
}

static bool is_sound(struct tour *t, uint64_t number, unsigned depth);

static bool branch_is_sound(struct tour *t, const uint8_t *page, unsigned depth)
{
	unsigned first = 0, count = node_count(page), last = count - 1;
	if (count < 2)
		return false;
	if (t->key) {
		unsigned at = way_to(page, t->key);
		first = t->beside && at ? at - 1 : at;
		last = t->beside && at < last ? at + 1 : at;
	}
	for (unsigned i = first; i <= last; i++)
		if (!is_sound(t, node_at(page, i).child, depth + 1))
			return false;
	return true;
}

static bool is_sound(struct tour *t, uint64_t number, unsigned depth)
{
	if (number < 2 || number >= t->pages || depth > DEEPEST || !t->left)
		return false;
	t->left--;
	const uint8_t *page = page_at(t, number);
	uint16_t kind = get16(page + FLAGS_AT);
	if (get64(page) != number || (kind != LEAF && kind != BRANCH) || !nodes_fit(t, page, kind == LEAF))
		return false;
	return kind == LEAF ? leaf_is_sound(t, page) : branch_is_sound(t, page, depth);
}

/* NULL: it is none that could be on the way. */
static const uint8_t *page_on_way(const struct tour *t, uint64_t number, bool *leaf)
{
	if (number < 2 || number >= t->pages)
		return NULL;
	const uint8_t *page = page_at(t, number);
	uint16_t kind = get16(page + FLAGS_AT);
	*leaf = kind == LEAF;
	bool sound = get64(page) == number && (kind == LEAF || kind == BRANCH) && bounds_fit(t, page) &&
	             (*leaf || node_count(page) > 1);
	return sound ? page : NULL;
}

static bool way_is_sound(struct tour *t, uint64_t number)
{
	for (unsigned depth = 0; depth <= DEEPEST; depth++) {
		unsigned at;
		bool leaf, exact;
		const uint8_t *page = page_on_way(t, number, &leaf);
		if (!page || !search(&at, &exact, t, page, leaf))
			return false;
		struct node n = node_at(page, at);
		if (leaf && exact)
			t->found = (MDB_val){n.size, (void *)data_of(t, &n)};
		if (leaf)
			return !exact || t->found.mv_data;
		number = n.child;
	}
	return false;
}

static bool tree_is_sound(struct tour *t, const uint8_t *tree)
{
	uint64_t root = get64(tree + TREE_ROOT);
	t->left = t->pages;
	if (root == NO_PAGE)
		return true;
	return t->narrow ? way_is_sound(t, root) : is_sound(t, root, 0);
}

/* The whole file, of `pages`; NULL when it cannot be had. */
static const uint8_t *map_file(size_t *pages, size_t *page_size, MDB_env *env)
{
	MDB_stat stat;
	struct stat st;
	mdb_filehandle_t fd;
	if (mdb_env_stat(env, &stat) != 0 || mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) < 0)
		return NULL;
	*page_size = stat.ms_psize;
	*pages = (size_t)st.st_size / stat.ms_psize;
	if (*pages < 2)
		return NULL;
	void *map = mmap(NULL, *pages * *page_size, PROT_READ, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

static const uint8_t *meta_of(const uint8_t *map, size_t page_size, const struct lmdb_work *w)
{
	return map + ((mdb_txn_id(w->txn) - w->writes) & 1) * page_size;
}

/* The file only grows while it is open, so its size is asked for only when there is more in
 * it than was mapped. */
static bool renew_reader(struct lmdb_reader *r, const struct lmdb_work *w)
{
	if (!w->writes)
		r->seen = mdb_txn_id(w->txn);
	if (r->map && get64(meta_of(r->map, r->page_size, w) + META_LAST) < r->pages)
		return true;
	if (r->map)
		munmap((void *)r->map, r->pages * r->page_size);
	r->map = map_file(&r->pages, &r->page_size, mdb_txn_env(w->txn));
	return r->map != NULL;
}

uint64_t lmdb_pages_last(const struct lmdb_reader *r)
{
	if (!r->map)
		return 0;
	uint64_t first = get64(r->map + META_TXN), second = get64(r->map + r->page_size + META_TXN);
	return first > second ? first : second;
}

/* LMDB does not tell where it has mapped the file. The first page that counts for
 * this transaction, or NULL. */
static const uint8_t *begin_tour(struct tour *t, const struct lmdb_work *w)
{
	size_t pages = 0, page_size = 0;
	t->beside = w->writes;
	if (!w->reader) {
		t->map = map_file(&pages, &page_size, mdb_txn_env(w->txn));
	} else if (renew_reader(w->reader, w)) {
		t->map = w->reader->map;
		pages = w->reader->pages;
		page_size = w->reader->page_size;
		t->narrow = t->key && !w->writes;
	}
	if (!t->map)
		return NULL;
	t->page_size = (uint32_t)page_size;
	t->pages = pages;
	const uint8_t *meta = meta_of(t->map, page_size, w);
	return is_meta(meta) ? meta : NULL;
}

static int end_tour(struct tour *t, const struct lmdb_work *w, bool sound, dpc_error *err)
{
	if (t->map && !w->reader)
		munmap((void *)t->map, t->pages * t->page_size);
	return sound ? DPC_OK : lmdb_failed(lmdb_env_path(w->env), MDB_CORRUPTED, err);
}

/* Where two writers have been there since it began, they found it well. */
static bool is_passed(const struct lmdb_work *w, const uint8_t *meta)
{
	return get64(meta + META_TXN) != mdb_txn_id(w->txn) - w->writes;
}

int lmdb_pages_free(const struct lmdb_work *w, dpc_error *err)
{
	struct tour t = {.lists = true};
	const uint8_t *meta = begin_tour(&t, w);
	return end_tour(&t, w, meta && (is_passed(w, meta) || tree_is_sound(&t, meta + META_FREE)), err);
}

static int ask_lmdb(MDB_val *value, const struct lmdb_work *w, MDB_val *key, dpc_error *err)
{
	int rc = mdb_get(w->txn, w->table, key, value);
	return rc == 0              ? DPC_OK
	       : rc == MDB_NOTFOUND ? DPC_MISS
	                            : lmdb_failed(lmdb_env_path(w->env), rc, err);
}

/* One step of lmdb_pages_find. *passed: two writers have been there since the transaction began,
 * or so it looks. */
static int find(struct tour *t, bool *passed, const struct lmdb_work *w, dpc_error *err)
{
	const uint8_t *meta = begin_tour(t, w);
	*passed = meta && is_passed(w, meta);
	return end_tour(t, w, meta && (*passed || tree_is_sound(t, meta + META_MAIN)), err);
}

/* Nothing is borrowed from it yet. */
static bool begin_again(const struct lmdb_work *w)
{
	mdb_txn_reset(w->txn);
	return mdb_txn_renew(w->txn) == 0;
}

int lmdb_pages_find(MDB_val *value, const struct lmdb_work *w, MDB_val *key, dpc_error *err)
{
	enum { TRIES = 5 };
	if (w->sound)
		return ask_lmdb(value, w, key, err);
	bool passed = true;
	for (int i = 0; i < TRIES && passed; i++) {
		struct tour t = {.key = key};
		int rc = find(&t, &passed, w, err);
		if (rc != DPC_OK)
			return rc;
		if (!t.narrow)
			return ask_lmdb(value, w, key, err);
		if (passed && !begin_again(w))
			break;
		*value = t.found;
	}
	/* Who keeps a file open may find that page damaged, which LMDB has believed. */
	if (passed)
		return lmdb_failed(lmdb_env_path(w->env), MDB_CORRUPTED, err);
	return value->mv_data ? DPC_OK : DPC_MISS;
}

int lmdb_pages_sound(const struct lmdb_work *w, const MDB_val *key, dpc_error *err)
{
	struct tour t = {.key = key};
	if (w->sound)
		return DPC_OK;
	const uint8_t *meta = begin_tour(&t, w);
	int rc = end_tour(&t, w, meta && (is_passed(w, meta) || tree_is_sound(&t, meta + META_MAIN)), err);
	return rc == DPC_OK && !key ? lmdb_pages_free(w, err) : rc;
}
