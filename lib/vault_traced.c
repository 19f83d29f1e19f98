#include "vault_traced.h"

#include "manifest.h"
#include "os.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, WORD = 8 };

static int title_of(struct buf *meta, const struct ask *a)
{
	struct buf label = {0};
	label_of(&label, a->question);
	capsule_encode_meta(meta, (struct slice){a->bytes.data, a->bytes.size}, &a->observed,
	                    (struct slice){label.data, label.size});
	meta->failed |= label.failed;
	buf_release(&label);
	return meta->failed ? DPC_E_MEMORY : DPC_OK;
}

static void describe_meta(struct recorder *r)
{
	r->capsule.meta_size = r->meta.size;
	r->capsule.meta_sum = hash64(r->meta.data, r->meta.size);
}

/* To a page's start, as the recorder brings them. */
static void pad_meta(struct buf *meta)
{
	static const uint8_t zeros[PAGE];
	size_t past = (CAPSULE_HEAD + meta->size + WORD) % PAGE;
	buf_put(meta, zeros, (PAGE - past) % PAGE);
}

static int copy_frames(int to, off_t at, const struct frames *f, dpc_error *err)
{
	off_t from = (off_t)f->offset;
	uint64_t left = f->size;
	char chunk[65536];
	while (left) {
		ssize_t n = copy_file_range(f->fd, &from, to, &at, (size_t)left, 0);
		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
			n = os_pread_full(f->fd, chunk, left < sizeof chunk ? (size_t)left : sizeof chunk, from);
			if (n > 0 && os_pwrite_all(to, chunk, (size_t)n, at) < 0)
				n = -1;
			from += n;
			at += n;
		}
		if (n <= 0)
			return dpc__fail_errno(err, "cannot write to the cache");
		left -= (uint64_t)n;
	}
	return DPC_OK;
}

static int write_title(struct recorder *to, const struct recorder *r, dpc_error *err)
{
	uint8_t head[CAPSULE_HEAD];
	struct frames f = recorder_frames(r);
	/* And the files behind them. */
	f.size += r->capsule.contents_size + r->capsule.list_size;
	capsule_encode_head(head, &to->capsule);
	if (os_pwrite_all(to->fd, head, sizeof head, 0) < 0 ||
	    os_pwrite_all(to->fd, to->meta.data, to->meta.size, sizeof head) < 0)
		return dpc__fail_errno(err, "cannot write to the cache");
	return copy_frames(to->fd, (off_t)(sizeof head + to->meta.size), &f, err);
}

int vault_retitle(struct recorder *to, struct scratch *file, const struct ask *a, const struct recorder *r,
                     dpc_error *err)
{
	*to = *r;
	to->meta = (struct buf){0};
	to->fd = -1;
	*file = (struct scratch){.fd = -1};
	if (title_of(&to->meta, a) == DPC_OK)
		capsule_encode_traced(&to->meta, &a->traced);
	if (r->spilled)
		pad_meta(&to->meta);
	if (to->meta.failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	describe_meta(to);
	to->capsule.key = ask_result_key(a);
	to->capsule.voided = 0;
	if (!r->spilled)
		return DPC_OK;
	scratch_open(file, a->home, &to->capsule.key);
	if (file->fd < 0)
		return dpc__fail_errno(err, "cannot write in %s", a->home->path);
	to->fd = file->fd;
	return write_title(to, r, err);
}

void vault_release_title(struct recorder *to)
{
	buf_release(&to->meta);
}

int vault_make_manifest(struct recorder *to, struct ask *a, struct store *s, const struct capsule *result,
                        dpc_error *err)
{
	struct capsule c = *result;
	struct answer old = ANSWER_NONE;
	struct buf meta = {0}, sets = {0};
	c.key = a->key;
	c.flags = CAPSULE_MANIFEST;
	c.frames_size = c.output_size = c.contents_size = c.list_size = c.list_sum = 0;
	/* One that is damaged is made anew. */
	if (vault_load_manifest(&old, a, s, NULL) < 0)
		answer_release(&old);
	manifest_add(&sets, old.meta.traced, &a->traced);
	answer_release(&old);
	if (title_of(&meta, a) == DPC_OK) {
		buf_u8(&meta, CAPSULE_TRACED);
		buf_field(&meta, sets.data, sets.size);
	}
	meta.failed |= sets.failed;
	buf_release(&sets);
	int rc = recorder_begin(to, &c, &meta, -1, 0, err);
	return rc == DPC_OK ? recorder_finish(to, CAPSULE_DONE, err) : rc;
}
