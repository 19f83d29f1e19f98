#include "fact.h"

#include "clock.h"
#include "environment.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct digest fact_of_metadata(const struct stat *st, bool with_content)
{
	uint64_t words[12] = {st->st_mode, st->st_uid, st->st_gid};
	if (with_content) {
		words[3] = (uint64_t)st->st_mtim.tv_sec;
		words[4] = (uint64_t)st->st_mtim.tv_nsec;
		words[5] = st->st_ino;
	}
	/* Of a directory these tell nothing that its time of modification does not. */
	if (with_content && !S_ISDIR(st->st_mode)) {
		words[6] = (uint64_t)st->st_size;
		words[7] = (uint64_t)st->st_blocks;
		words[8] = (uint64_t)st->st_nlink;
		words[9] = (uint64_t)st->st_ctim.tv_sec;
		words[10] = (uint64_t)st->st_ctim.tv_nsec;
		words[11] = st->st_rdev;
	}
	return hash128(words, sizeof words);
}

static bool looks_at_links(enum observation_kind kind)
{
	return kind == OBSERVED_LINK || kind == OBSERVED_NO_NAME || kind == OBSERVED_LSTAT ||
	       kind == OBSERVED_LPLACE;
}

static bool is_of_metadata(enum observation_kind kind)
{
	return kind == OBSERVED_STAT || kind == OBSERVED_LSTAT || kind == OBSERVED_PLACE ||
	       kind == OBSERVED_LPLACE;
}

static bool is_of_absence(enum observation_kind kind)
{
	return kind == OBSERVED_ABSENT || kind == OBSERVED_NO_NAME;
}

static int stat_for(struct stat *st, enum observation_kind kind, const char *path)
{
	return looks_at_links(kind) ? lstat(path, st) : stat(path, st);
}

static struct digest metadata_for(enum observation_kind kind, const struct stat *st)
{
	return fact_of_metadata(st, kind == OBSERVED_STAT || kind == OBSERVED_LSTAT);
}

/* Is what lies there of a sort that such a fact can be of? */
static bool is_sort(enum observation_kind kind, mode_t mode)
{
	switch (kind) {
	case OBSERVED_FILE:
	case OBSERVED_EXE:
		return S_ISREG(mode);
	case OBSERVED_DIR:
	case OBSERVED_LISTING:
		return S_ISDIR(mode);
	case OBSERVED_LINK:
		return S_ISLNK(mode);
	case OBSERVED_OTHER:
		return !S_ISREG(mode) && !S_ISDIR(mode);
	default:
		return is_of_metadata(kind);
	}
}

/* Add what types the names are of. */
static int observe_types(struct observation *o, const char *path, dpc_error *err)
{
	struct name_list names = {0};
	struct hasher h;
	struct stat st;
	int rc = observe_listing(o, path, &names, err);
	int dir = rc == DPC_OK ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	hasher_init(&h);
	hasher_update(&h, o->digest.bytes, sizeof o->digest.bytes);
	for (size_t i = 0; rc == DPC_OK && i < names.count; i++) {
		bool known = fstatat(dir, name_list_at(&names, i), &st, AT_SYMLINK_NOFOLLOW) == 0;
		uint32_t type = known ? st.st_mode & S_IFMT : 0;
		hasher_update(&h, &type, sizeof type);
	}
	o->digest = hasher_sum128(&h);
	name_list_release(&names);
	if (dir >= 0)
		close(dir);
	return rc;
}

static int observe_present(struct observation *o, const struct looker *l, const char *path,
                           const struct stat *st, dpc_error *err)
{
	switch (o->kind) {
	case OBSERVED_FILE:
	case OBSERVED_EXE:
		return observe_file(o, l->digests, path, st, err);
	case OBSERVED_DIR:
		return observe_listing(o, path, NULL, err);
	case OBSERVED_LISTING:
		return observe_types(o, path, err);
	case OBSERVED_LINK:
		return observe_link(o, path, st, err);
	default:
		if (is_of_metadata(o->kind))
			o->digest = metadata_for(o->kind, st);
		return DPC_OK;
	}
}

static int observe_at(struct observation *o, const struct looker *l, const char *path, dpc_error *err)
{
	struct stat st;
	int rc = stat_for(&st, o->kind, path);
	bool absent = rc < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (o->kind == OBSERVED_DENIED)
		return rc < 0 && errno == EACCES ? DPC_OK : DPC_MISS;
	if (is_of_absence(o->kind) || absent)
		return is_of_absence(o->kind) && absent ? DPC_OK : DPC_MISS;
	if (rc < 0)
		return dpc__fail_errno(err, "cannot look at %s", path);
	return is_sort(o->kind, st.st_mode) ? observe_present(o, l, path, &st, err) : DPC_MISS;
}

int fact_add(struct observations *o, const struct looker *l, enum observation_kind kind, const char *path,
             dpc_error *err)
{
	struct observation *n = observations_add(o, kind, path);
	int rc;
	if (!n)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (kind == OBSERVED_VARIABLE)
		rc = environment_observe(&n->digest, path, l->secret);
	else if (kind == OBSERVED_NAMES)
		rc = environment_names(&n->digest);
	else
		rc = observe_at(n, l, path, err);
	if (rc != DPC_OK)
		o->count--;
	return rc;
}

static bool same_digest(const struct digest *a, const struct digest *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static bool unchanged_variables(const struct stored_observation *o, const uint8_t *secret)
{
	struct digest now;
	int rc = o->kind == OBSERVED_NAMES ? environment_names(&now)
	                                   : environment_observe(&now, (const char *)o->path.data, secret);
	return rc == DPC_OK && same_digest(&now, &o->digest);
}

bool fact_unchanged(const struct stored_observation *o, const struct tuple *t, const uint8_t *secret)
{
	struct stat st;
	struct tuple now;
	if (o->kind == OBSERVED_VARIABLE || o->kind == OBSERVED_NAMES)
		return unchanged_variables(o, secret);
	int rc = stat_for(&st, o->kind, (const char *)o->path.data);
	if (is_of_absence(o->kind))
		return rc < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (o->kind == OBSERVED_DENIED)
		return rc < 0 && errno == EACCES;
	if (rc < 0)
		return false;
	if (o->kind == OBSERVED_OTHER)
		return !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
	if (is_of_metadata(o->kind)) {
		struct digest digest = metadata_for(o->kind, &st);
		return same_digest(&digest, &o->digest);
	}
	tuple_of(&now, &st, 0);
	return tuple_same(&now, t) && !tuple_racy(t);
}
