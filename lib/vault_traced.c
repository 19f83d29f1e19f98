#include "vault_traced.h"

#include "manifest.h"
#include "os.h"

#include <string.h>
#include <unistd.h>

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
	if (os_copy(to->fd, (off_t)(sizeof head + to->meta.size), f.fd, (off_t)f.offset, f.size) != (int64_t)f.size)
		return dpc__fail_errno(err, "cannot write to the cache");
	return DPC_OK;
}

int vault_retitle(struct recorder *to, struct scratch *file, const struct ask *a, const struct recorder *r,
                  dpc_error *err)
{
	*to = *r;
	to->meta = (struct buf){0};
	to->fd = -1;
	*file = (struct scratch){.fd = -1};
	ask_describe(&to->meta, a);
	capsule_encode_traced(&to->meta, &a->traced);
	int rc = recorder_describe(to, r->spilled, err);
	if (rc != DPC_OK)
		return rc;
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
	ask_describe(&meta, a);
	buf_u8(&meta, CAPSULE_TRACED);
	buf_field(&meta, sets.data, sets.size);
	meta.failed |= sets.failed;
	buf_release(&sets);
	int rc = recorder_begin(to, &c, &meta, -1, 0, err);
	return rc == DPC_OK ? recorder_finish(to, CAPSULE_DONE, err) : rc;
}
