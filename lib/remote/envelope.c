#include "envelope.h"

#include "clock.h"
#include "row.h"
#include "sign.h"
#include "squeeze.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MAGIC[3] = "DPV", VERSION = '1';

enum { ENVELOPE_SIGNED = 1, ENVELOPE_SQUEEZED = 2, SQUEEZE_FROM = 1024, FRONT = 4 + 1 + 8 + 32 + 4 };

/* --- clocks --- */

static void shift(struct entry_info *info, uint8_t *capsule, size_t size, int64_t by)
{
	struct capsule c;
	info->created += by;
	if (!by || !capsule || capsule_decode_head(&c, capsule, size, NULL) != DPC_OK)
		return;
	c.created.wall += by;
	capsule_encode_head(capsule, &c);
}

/* By which what came from the server is to be set to our clock. Made a moment ago on a machine
 * whose clock is a little ahead, it is made now: an entry from the future would be a miss. */
static int64_t to_ours(int64_t created, int64_t ahead)
{
	static const int64_t LITTLE = 1000000000;
	int64_t early = created - ahead - clock_wall_ns();
	return -ahead - (early > 0 && early <= LITTLE ? early : 0);
}

/* --- sealing --- */

/* `squeezed` is only filled where that is worth it. */
static struct slice squeeze_capsule(struct buf *squeezed, struct slice capsule, const struct envelope_rules *rules)
{
	if (!rules->zstd || capsule.size < SQUEEZE_FROM || squeeze(squeezed, capsule, rules->zstd) != DPC_OK)
		return capsule;
	return (struct slice){squeezed->data, squeezed->size};
}

static void put_head(struct buf *head, const struct entry_info *info, uint64_t size, struct slice rest)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	row_put(head, info);
	buf_u64(head, size);
	SHA256(rest.data, rest.size, sum);
	buf_put(head, sum, sizeof sum);
}

static struct signed_thing thing_of(const struct envelope_rules *rules, const struct digest *key, uint8_t flags,
                                    struct slice head)
{
	return (struct signed_thing){.ns = rules->ns, .key = key, .kind = flags, .payload = head};
}

static int put_front(struct buf *out, const struct envelope_rules *rules, const struct digest *key, uint8_t flags,
                     struct slice head, dpc_error *err)
{
	uint8_t id[SIGN_ID] = {0}, mac[SIGN_MAC] = {0};
	struct signed_thing thing = thing_of(rules, key, flags, head);
	int rc = rules->signer ? sign_make(id, mac, rules->signer, &thing, err) : DPC_OK;
	buf_put(out, MAGIC, sizeof MAGIC);
	buf_u8(out, (uint8_t)VERSION);
	buf_u8(out, flags);
	buf_put(out, id, sizeof id);
	buf_put(out, mac, sizeof mac);
	buf_field(out, head.data, head.size);
	return rc;
}

static int seal(struct buf *out, const struct entry_info *info, struct slice capsule, const struct envelope_rules *rules,
                dpc_error *err)
{
	struct entry_info there = *info;
	struct buf head = {0}, squeezed = {0}, plain = {0};
	there.file = NULL;
	buf_put(&plain, capsule.data, capsule.size);
	shift(&there, plain.data, plain.size, rules->ahead);
	struct slice rest = squeeze_capsule(&squeezed, (struct slice){plain.data, plain.size}, rules);
	uint8_t flags = (rules->signer ? ENVELOPE_SIGNED : 0) | (rest.data == plain.data ? 0 : ENVELOPE_SQUEEZED);
	put_head(&head, &there, capsule.size, rest);
	int rc = plain.failed || head.failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
	if (rc == DPC_OK)
		rc = put_front(out, rules, &info->key, flags, (struct slice){head.data, head.size}, err);
	buf_put(out, rest.data, rest.size);
	if (rc == DPC_OK && out->failed)
		rc = dpc__fail(err, DPC_E_MEMORY, "out of memory");
	buf_release(&plain);
	buf_release(&squeezed);
	buf_release(&head);
	return rc;
}

/* The capsule that lies in a file below the home. */
static int map_file(struct slice *out, const struct home *h, const char *name, dpc_error *err)
{
	struct stat st = {.st_size = 0};
	int fd = openat(h->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	void *at = MAP_FAILED;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	int rc = at == MAP_FAILED ? dpc__fail_errno(err, "cannot read %s/%s", h->path, name) : DPC_OK;
	if (fd >= 0)
		close(fd);
	if (rc == DPC_OK)
		*out = (struct slice){at, (size_t)st.st_size};
	return rc;
}

int envelope_seal(struct buf *out, const struct home *h, const struct entry_info *info, struct slice capsule,
                  const struct envelope_rules *rules, dpc_error *err)
{
	struct slice mapped;
	if (!info->file)
		return seal(out, info, capsule, rules, err);
	int rc = map_file(&mapped, h, info->file, err);
	if (rc != DPC_OK)
		return rc;
	rc = seal(out, info, mapped, rules, err);
	munmap((void *)mapped.data, mapped.size);
	return rc;
}

int64_t envelope_lifetime(const struct entry_info *info)
{
	static const int64_t DAY = INT64_C(86400) * 1000000000;
	if (info->ttl == DPC_FOREVER || info->grace >= DPC_FOREVER - info->ttl - DAY)
		return DPC_FOREVER;
	return info->ttl + info->grace + DAY;
}

/* --- opening --- */

struct opened {
	uint8_t flags;
	struct slice head;
	uint64_t size; /* of the capsule */
	const uint8_t *sum;
};

static int check_version(struct slice bytes, dpc_error *err)
{
	if (bytes.size < FRONT || memcmp(bytes.data, MAGIC, sizeof MAGIC) != 0)
		return dpc__fail(err, DPC_E_CORRUPT, "a value on the server is not one of dpcache's");
	if (bytes.data[sizeof MAGIC] > (uint8_t)VERSION)
		return dpc__fail(err, DPC_E_VERSION, "a value on the server was made by a later version of dpcache");
	if (bytes.data[sizeof MAGIC] != (uint8_t)VERSION)
		return dpc__fail(err, DPC_E_CORRUPT, "a value on the server is not one of dpcache's");
	return DPC_OK;
}

static int check_signature(const struct opened *o, const uint8_t *id, const uint8_t *mac, const struct digest *key,
                           const struct envelope_rules *rules, dpc_error *err)
{
	struct signed_thing thing = thing_of(rules, key, o->flags, o->head);
	if (!rules->signer)
		return DPC_OK;
	if (!(o->flags & ENVELOPE_SIGNED))
		return dpc__fail(err, DPC_E_DENIED, "a value on the server is not signed");
	return sign_verify(id, mac, rules->signer, &thing, err);
}

/* What is in front of the rest, believed. */
static int open_front(struct opened *o, struct entry_info *info, size_t *need, struct slice bytes,
                      const struct digest *key, const struct envelope_rules *rules, dpc_error *err)
{
	int rc = check_version(bytes, err);
	if (rc != DPC_OK)
		return rc;
	struct cursor c = {bytes.data + sizeof MAGIC + 1, bytes.data + FRONT, false};
	o->flags = cursor_u8(&c);
	const uint8_t *id = cursor_take(&c, SIGN_ID).data, *mac = cursor_take(&c, SIGN_MAC).data;
	size_t size = cursor_u32(&c);
	*need = FRONT + size;
	if (size > bytes.size - FRONT)
		return DPC_MISS;
	o->head = (struct slice){bytes.data + FRONT, size};
	rc = check_signature(o, id, mac, key, rules, err);
	if (rc != DPC_OK)
		return rc;
	c = (struct cursor){o->head.data, o->head.data + size, false};
	rc = row_get(info, &c, key);
	o->size = cursor_u64(&c);
	o->sum = cursor_take(&c, SHA256_DIGEST_LENGTH).data;
	return rc == DPC_OK && !c.bad && c.at == c.end && !info->file
	           ? DPC_OK
	           : dpc__fail(err, DPC_E_CORRUPT, "a value on the server is damaged");
}

int envelope_peek(struct entry_info *info, size_t *need, struct slice bytes, const struct digest *key,
                  const struct envelope_rules *rules, dpc_error *err)
{
	struct opened o;
	int rc = open_front(&o, info, need, bytes, key, rules, err);
	if (rc == DPC_OK)
		info->created += to_ours(info->created, rules->ahead);
	return rc;
}

static int take_rest(struct buf *capsule, const struct opened *o, struct slice rest, dpc_error *err)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA256(rest.data, rest.size, sum);
	if (CRYPTO_memcmp(sum, o->sum, sizeof sum) != 0)
		return dpc__fail(err, DPC_E_CORRUPT, "a value on the server is damaged");
	if (o->flags & ENVELOPE_SQUEEZED)
		return unsqueeze(capsule, rest, o->size, err);
	if (rest.size != o->size)
		return dpc__fail(err, DPC_E_CORRUPT, "a value on the server is damaged");
	buf_put(capsule, rest.data, rest.size);
	return capsule->failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
}

int envelope_open(struct entry_info *info, struct buf *capsule, struct slice bytes, const struct digest *key,
                  const struct envelope_rules *rules, dpc_error *err)
{
	struct opened o;
	size_t need, before = capsule->size;
	int rc = open_front(&o, info, &need, bytes, key, rules, err);
	if (rc == DPC_MISS)
		return dpc__fail(err, DPC_E_CORRUPT, "a value on the server is cut short");
	if (rc == DPC_OK)
		rc = take_rest(capsule, &o, (struct slice){bytes.data + need, bytes.size - need}, err);
	if (rc == DPC_OK)
		shift(info, capsule->data + before, capsule->size - before, to_ours(info->created, rules->ahead));
	return rc;
}
