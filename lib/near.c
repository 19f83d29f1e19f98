#include "near.h"

int near_find(struct slice *value, int64_t *ttl, int64_t *entry_age, struct memory *m, struct ask *a, int64_t now,
              int64_t age)
{
	struct capsule head;
	size_t size = 0;
	const uint8_t *bytes = memory_get(&size, m, &a->key, now, age);
	if (!bytes || capsule_decode_head(&head, bytes, size, NULL) != DPC_OK)
		return DPC_MISS;
	struct cursor c = {bytes + CAPSULE_HEAD, bytes + size, false};
	struct slice question = cursor_field(&c);
	if (!slice_equal(question, (struct slice){a->bytes.data, a->bytes.size}) ||
	    !verdict_serves(lookup_judge(entry_age, &head, a->policy, &a->home->state)))
		return DPC_MISS;
	*value = (struct slice){c.at, (size_t)(c.end - c.at)};
	*ttl = head.ttl;
	return DPC_OK;
}

void near_keep(struct memory *m, const struct ask *a, const struct capsule *c, struct slice value, int64_t now)
{
	struct buf b = {0};
	uint8_t *head = buf_reserve(&b, CAPSULE_HEAD + 4 + a->bytes.size + value.size);
	if (head) {
		capsule_encode_head(head, c);
		b.size = CAPSULE_HEAD;
	}
	buf_field(&b, a->bytes.data, a->bytes.size);
	buf_put(&b, value.data, value.size);
	if (b.failed)
		memory_remove(m, &a->key);
	else
		memory_put(m, &a->key, (struct slice){b.data, b.size}, now);
	buf_release(&b);
}
