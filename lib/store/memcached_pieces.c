#include "memcached.h"

#include "os.h"

#include <stdio.h>
#include <string.h>

static const char MAGIC[3] = "DPM", VERSION = '1';

/* An item is at most 1 MiB, with its name and what the server keeps of it. */
enum { FRONT = 4 + 8 + 16, PIECE = (1 << 20) - 1024, FIRST = PIECE - FRONT };

static void piece_name(char out[MC_NAME], const struct mc_link *l, const struct digest *key,
                       const struct digest *id, uint64_t n)
{
	char hex[DIGEST_HEX], kind[DIGEST_HEX + 24];
	digest_hex(hex, id);
	snprintf(kind, sizeof kind, "%s:%llu", hex, (unsigned long long)n);
	mc_key(out, l, key, kind);
}

/* How many there are behind the first. */
static uint64_t pieces_of(uint64_t size)
{
	return size <= FIRST ? 0 : (size - FIRST - 1) / PIECE + 1;
}

static size_t smaller(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

int mc_front_of(struct mc_front *f, struct slice item, dpc_error *err)
{
	struct cursor c = {item.data, item.data + item.size, false};
	struct slice magic = cursor_take(&c, sizeof MAGIC);
	uint8_t version = cursor_u8(&c);
	f->size = cursor_u64(&c);
	struct slice id = cursor_take(&c, sizeof f->id.bytes);
	if (c.bad || memcmp(magic.data, MAGIC, sizeof MAGIC) != 0)
		return dpc__fail(err, DPC_E_CORRUPT, "a value on the server is not one of dpcache's");
	if (version > (uint8_t)VERSION)
		return dpc__fail(err, DPC_E_VERSION, "a value on the server was made by a later version of dpcache");
	memcpy(f->id.bytes, id.data, id.size);
	f->here = (struct slice){c.at, (size_t)(c.end - c.at)};
	if (!f->size)
		return DPC_MISS;
	return f->here.size == smaller(f->size, FIRST)
	           ? DPC_OK
	           : dpc__fail(err, DPC_E_CORRUPT, "a value on the server is cut short");
}

/* --- reading --- */

static int read_piece(struct buf *envelope, struct mc_link *l, const char *name, size_t size, dpc_error *err)
{
	struct mc_item piece = {.cas = 0};
	int rc = mc_get(&piece, l, name, err);
	if (rc == DPC_OK && piece.data.size != size)
		rc = DPC_MISS;
	if (rc == DPC_OK)
		buf_put(envelope, piece.data.data, piece.data.size);
	buf_release(&piece.data);
	return rc == DPC_OK && envelope->failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : rc;
}

static int read_pieces(struct buf *envelope, struct mc_link *l, const struct digest *key,
                       const struct mc_front *f, dpc_error *err)
{
	char name[MC_NAME];
	uint64_t left = f->size - f->here.size;
	int rc = DPC_OK;
	buf_put(envelope, f->here.data, f->here.size);
	for (uint64_t n = 1; rc == DPC_OK && left; n++) {
		size_t size = smaller(left, PIECE);
		piece_name(name, l, key, &f->id, n);
		rc = read_piece(envelope, l, name, size, err);
		left -= size;
	}
	return rc;
}

int mc_read(struct buf *envelope, struct mc_link *l, const struct digest *key, dpc_error *err)
{
	struct digest last = {{0}};
	char name[MC_NAME];
	mc_key(name, l, key, "v");
	for (;;) {
		struct mc_item item = {.cas = 0};
		struct mc_front f = {.size = 0};
		envelope->size = 0;
		int rc = mc_get(&item, l, name, err);
		if (rc == DPC_OK)
			rc = mc_front_of(&f, (struct slice){item.data.data, item.data.size}, err);
		/* Where a piece is missing, the entry may have been replaced just now: look again,
		 * unless it is still the same. */
		bool again = rc == DPC_OK && memcmp(&last, &f.id, sizeof last) != 0;
		if (rc == DPC_OK)
			last = f.id;
		if (rc == DPC_OK)
			rc = read_pieces(envelope, l, key, &f, err);
		buf_release(&item.data);
		if (rc != DPC_MISS || !again)
			return rc;
	}
}

/* --- writing --- */

static int begin_item(struct buf *item, struct digest *id, uint64_t size, dpc_error *err)
{
	if (os_random(id, sizeof *id) < 0)
		return dpc__fail_errno(err, "cannot get random bytes");
	buf_put(item, MAGIC, sizeof MAGIC);
	buf_u8(item, (uint8_t)VERSION);
	buf_u64(item, size);
	buf_put(item, id->bytes, sizeof id->bytes);
	return item->failed ? dpc__fail(err, DPC_E_MEMORY, "out of memory") : DPC_OK;
}

int mc_placeholder(struct buf *item, dpc_error *err)
{
	struct digest id;
	return begin_item(item, &id, 0, err);
}

int mc_write_pieces(struct buf *item, struct mc_link *l, const struct digest *key, struct slice envelope,
                    time_t expiry, dpc_error *err)
{
	struct digest id;
	char name[MC_NAME];
	size_t first = smaller(envelope.size, FIRST);
	int rc = begin_item(item, &id, envelope.size, err);
	buf_put(item, envelope.data, first);
	if (rc == DPC_OK && item->failed)
		rc = dpc__fail(err, DPC_E_MEMORY, "out of memory");
	struct slice rest = {envelope.data + first, envelope.size - first};
	for (uint64_t n = 1; rc == DPC_OK && rest.size; n++) {
		size_t size = smaller(rest.size, PIECE);
		piece_name(name, l, key, &id, n);
		const struct mc_new piece = {name, {rest.data, size}, expiry};
		rc = mc_set(l, &piece, err);
		rest = (struct slice){rest.data + size, rest.size - size};
	}
	return rc;
}

void mc_drop_pieces(struct mc_link *l, const struct digest *key, struct slice item)
{
	struct mc_front f;
	char name[MC_NAME];
	if (!item.size || mc_front_of(&f, item, NULL) != DPC_OK)
		return;
	int rc = DPC_OK;
	/* One that is gone may be followed by one that is not; but what claims to be of any size
	 * is not to be believed. */
	for (uint64_t n = 1, gone = 0; rc >= 0 && gone < 16 && n <= pieces_of(f.size); n++) {
		piece_name(name, l, key, &f.id, n);
		rc = mc_delete(l, name, NULL);
		gone += rc == DPC_MISS;
	}
}
