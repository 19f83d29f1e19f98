/* Keys, signatures, and sealed values; what lies on a server. */
#include "support.h"

#include "breaker.h"
#include "envelope.h"
#include "sign.h"
#include "squeeze.h"

#include <stdio.h>
#include <sys/stat.h>

static const char ONE[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char TWO[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

static struct signer *open_keys(const struct fixture *f, const char *text)
{
	struct signer *s;
	dpc_error err = {0};
	const char *path = path_in(f, "key");
	write_text(path, text);
	chmod(path, 0600);
	if (signer_open(&s, path, &err) != DPC_OK)
		fail_msg("%s", err.message);
	return s;
}

static struct signed_thing a_thing(void)
{
	static struct digest key;
	key = digest_named("key");
	return (struct signed_thing){.ns = slice_of("main"), .key = &key, .kind = 1, .payload = slice_of("payload")};
}

/* --- the file --- */

static void assert_refused(const struct fixture *f, const char *text, mode_t mode, int code, const char *why)
{
	struct signer *s;
	dpc_error err = {0};
	const char *path = path_in(f, "key");
	write_text(path, text);
	chmod(path, mode);
	assert_int_equal(signer_open(&s, path, &err), code);
	assert_null(s);
	if (!strstr(err.message, why))
		fail_msg("%s", err.message);
	/* Nothing of a key is ever shown. */
	assert_null(strstr(err.message, "0001"));
}

static void a_key_file_that_is_not_as_it_must_be_is_refused(void **state)
{
	struct fixture *f = *state;
	struct signer *s;
	assert_int_equal(signer_open(&s, path_in(f, "none"), NULL), DPC_E_NOTFOUND);
	assert_refused(f, ONE, 0644, DPC_E_DENIED, "chmod 600");
	assert_refused(f, ONE, 0620, DPC_E_DENIED, "chmod 600");
	assert_refused(f, "", 0600, DPC_E_USAGE, "has no key");
	assert_refused(f, "# nothing\n\n", 0600, DPC_E_USAGE, "has no key");
	assert_refused(f, "# comment\n0001\n", 0600, DPC_E_USAGE, "line 2");
	assert_refused(f, "zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 0600, DPC_E_USAGE, "line 1");
	assert_int_equal(symlink("key", path_in(f, "link")), 0);
	assert_int_equal(signer_open(&s, path_in(f, "link"), NULL), DPC_E_DENIED);
	assert_int_equal(signer_open(&s, f->dir, NULL), DPC_E_DENIED);
}

/* --- signatures --- */

static void a_signature_is_that_of_hmac_sha_256(void **state)
{
	struct fixture *f = *state;
	struct signer *s = open_keys(f, ONE);
	uint8_t id[SIGN_ID], mac[SIGN_MAC];
	struct signed_thing t = a_thing();
	struct digest key = {{0}};
	t.key = &key;
	/* By Python's hmac, over the fields as buf.h has them. */
	static const uint8_t expected_id[SIGN_ID] = {0x4b, 0x28, 0xe7, 0xa5, 0x78, 0x3d, 0xc4, 0x87};
	static const uint8_t expected_mac[SIGN_MAC] = {0xcc, 0x39, 0x61, 0xc7, 0x83, 0x18, 0xd3, 0x0c, 0xa5, 0x84, 0xd3, 0x56, 0xd3, 0x61, 0x95, 0xe1,
	    0x6d, 0x92, 0xc9, 0x01, 0x4d, 0x3e, 0x52, 0xf0, 0xdf, 0x05, 0x36, 0xa9, 0x42, 0xee, 0xaf, 0xca};
	assert_int_equal(sign_make(id, mac, s, &t, NULL), DPC_OK);
	assert_memory_equal(id, expected_id, sizeof id);
	assert_memory_equal(mac, expected_mac, sizeof mac);
	signer_close(s);
}

static void a_signature_is_of_one_thing_only(void **state)
{
	struct fixture *f = *state;
	struct signer *s = open_keys(f, ONE);
	uint8_t id[SIGN_ID], mac[SIGN_MAC];
	struct signed_thing t = a_thing(), other = t;
	struct digest another = digest_named("another");
	assert_int_equal(sign_make(id, mac, s, &t, NULL), DPC_OK);
	assert_int_equal(sign_verify(id, mac, s, &t, NULL), DPC_OK);
	other.ns = slice_of("mainp");
	other.payload = slice_of("ayload");
	assert_int_equal(sign_verify(id, mac, s, &other, NULL), DPC_E_DENIED);
	other = t;
	other.key = &another;
	assert_int_equal(sign_verify(id, mac, s, &other, NULL), DPC_E_DENIED);
	other = t;
	other.kind = 2;
	assert_int_equal(sign_verify(id, mac, s, &other, NULL), DPC_E_DENIED);
	for (size_t bit = 0; bit < SIGN_MAC * 8; bit++) {
		mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(sign_verify(id, mac, s, &t, NULL), DPC_E_DENIED);
		mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	id[0] ^= 1;
	assert_int_equal(sign_verify(id, mac, s, &t, NULL), DPC_E_DENIED);
	signer_close(s);
}

static void the_first_key_signs_all_verify_and_the_last_one_keeps_the_secret(void **state)
{
	struct fixture *f = *state;
	char both[160];
	uint8_t id[SIGN_ID], mac[SIGN_MAC], before[16], after[16];
	struct signed_thing t = a_thing();
	snprintf(both, sizeof both, "# new\n%s\r\n\n%s", TWO, ONE);
	struct signer *old = open_keys(f, ONE), *rotated = open_keys(f, both);
	assert_int_equal(sign_make(id, mac, old, &t, NULL), DPC_OK);
	assert_int_equal(sign_verify(id, mac, rotated, &t, NULL), DPC_OK);
	assert_int_equal(sign_make(id, mac, rotated, &t, NULL), DPC_OK);
	assert_int_equal(sign_verify(id, mac, old, &t, NULL), DPC_E_DENIED);
	assert_int_equal(sign_secret(before, old, t.ns, NULL), DPC_OK);
	assert_int_equal(sign_secret(after, rotated, t.ns, NULL), DPC_OK);
	assert_memory_equal(before, after, sizeof before);
	assert_int_equal(sign_secret(after, old, slice_of("other"), NULL), DPC_OK);
	assert_memory_not_equal(before, after, sizeof before);
	signer_close(old);
	signer_close(rotated);
}

/* --- compression --- */

static void what_is_squeezed_comes_back(void **state)
{
	(void)state;
	struct buf small = {0}, back = {0};
	static uint8_t zeros[100000], noise[100000];
	struct slice in = {zeros, sizeof zeros};
	assert_int_equal(squeeze(&small, in, 3), DPC_OK);
	assert_true(small.size < sizeof zeros / 10);
	assert_int_equal(unsqueeze(&back, slice_of_buf(&small), sizeof zeros, NULL), DPC_OK);
	assert_true(slice_equal(slice_of_buf(&back), in));
	assert_int_equal(unsqueeze(&back, slice_of_buf(&small), sizeof zeros - 1, NULL), DPC_E_CORRUPT);
	assert_int_equal(unsqueeze(&back, slice_of_buf(&small), sizeof zeros + 1, NULL), DPC_E_CORRUPT);
	small.size /= 2;
	assert_int_equal(unsqueeze(&back, slice_of_buf(&small), sizeof zeros, NULL), DPC_E_CORRUPT);
	buf_release(&small);
	buf_release(&back);
	fill_noise(noise, sizeof noise, 1);
	assert_int_equal(squeeze(&small, (struct slice){noise, sizeof noise}, 3), DPC_MISS);
	assert_int_equal(small.size, 0);
	buf_release(&small);
}

/* --- envelopes --- */

static struct entry_info an_entry(void)
{
	return (struct entry_info){.key = digest_named("key"),
	                           .question = digest_named("question"),
	                           .created = 1234567890,
	                           .ttl = DPC_FOREVER,
	                           .cost = 3,
	                           .label = slice_of("label")};
}

static void assert_opens(const struct buf *sealed, const struct envelope_rules *rules, struct slice capsule)
{
	struct entry_info e = an_entry(), got;
	struct buf bytes = {0};
	size_t need;
	assert_int_equal(envelope_open(&got, &bytes, slice_of_buf(sealed), &e.key, rules, NULL), DPC_OK);
	assert_true(slice_equal(slice_of_buf(&bytes), capsule));
	assert_true(got.created == e.created && got.cost == 3 && slice_equal(got.label, e.label));
	assert_int_equal(envelope_peek(&got, &need, slice_of_buf(sealed), &e.key, rules, NULL), DPC_OK);
	assert_true(need < sealed->size);
	buf_release(&bytes);
}

static void what_was_sealed_is_opened(void **state)
{
	struct fixture *f = *state;
	struct signer *s = open_keys(f, ONE);
	static const uint8_t zeros[5000];
	const struct slice capsules[] = {slice_of("capsule"), {zeros, sizeof zeros}};
	struct entry_info e = an_entry();
	for (int i = 0; i < 8; i++) {
		struct envelope_rules rules = {i & 1 ? s : NULL, slice_of("main"), i & 2 ? 3 : 0, 0};
		struct buf sealed = {0};
		struct slice capsule = capsules[i >> 2];
		assert_int_equal(envelope_seal(&sealed, NULL, &e, capsule, &rules, NULL), DPC_OK);
		assert_opens(&sealed, &rules, capsule);
		assert_true((sealed.size < 1000) == (capsule.size < 1000 || rules.zstd));
		buf_release(&sealed);
	}
	signer_close(s);
}

static void no_bit_of_a_sealed_value_can_be_changed(void **state)
{
	struct fixture *f = *state;
	struct signer *s = open_keys(f, ONE);
	struct envelope_rules rules = {s, slice_of("main"), 0, 0};
	struct entry_info e = an_entry(), got;
	struct buf sealed = {0}, bytes = {0};
	assert_int_equal(envelope_seal(&sealed, NULL, &e, slice_of("capsule"), &rules, NULL), DPC_OK);
	for (size_t bit = 0; bit < sealed.size * 8; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(envelope_open(&got, &bytes, slice_of_buf(&sealed), &e.key, &rules, NULL) < 0);
		sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t size = 0; size < sealed.size; size++)
		assert_true(envelope_open(&got, &bytes, (struct slice){sealed.data, size}, &e.key, &rules, NULL) < 0);
	assert_int_equal(bytes.size, 0);
	struct digest other = digest_named("other");
	assert_int_equal(envelope_open(&got, &bytes, slice_of_buf(&sealed), &other, &rules, NULL), DPC_E_DENIED);
	buf_release(&sealed);
	signer_close(s);
}

static void who_signs_believes_nothing_unsigned(void **state)
{
	struct fixture *f = *state;
	struct signer *s = open_keys(f, ONE);
	struct envelope_rules strict = {s, slice_of("main"), 0, 0}, lax = {NULL, slice_of("main"), 0, 0};
	struct entry_info e = an_entry(), got;
	struct buf sealed = {0}, bytes = {0};
	assert_int_equal(envelope_seal(&sealed, NULL, &e, slice_of("capsule"), &lax, NULL), DPC_OK);
	assert_int_equal(envelope_open(&got, &bytes, slice_of_buf(&sealed), &e.key, &strict, NULL), DPC_E_DENIED);
	buf_release(&sealed);
	signer_close(s);
}

static void created_is_by_the_servers_clock_on_the_way(void **state)
{
	(void)state;
	const int64_t hour = INT64_C(3600) * 1000000000;
	struct envelope_rules ahead = {NULL, slice_of("main"), 0, hour}, right = {NULL, slice_of("main"), 0, 0};
	struct entry_info e = an_entry(), got;
	struct capsule start = {.key = e.key, .created = {.wall = e.created}}, c;
	struct buf capsule = {0}, sealed = {0}, bytes = {0};
	static const struct piece pieces[] = {{STREAM_OUT, "output"}, {0, NULL}};
	build_capsule(&capsule, &start, slice_of("question"), NULL, pieces);
	assert_int_equal(envelope_seal(&sealed, NULL, &e, slice_of_buf(&capsule), &ahead, NULL), DPC_OK);
	assert_int_equal(envelope_open(&got, &bytes, slice_of_buf(&sealed), &e.key, &ahead, NULL), DPC_OK);
	assert_true(got.created == e.created && slice_equal(slice_of_buf(&bytes), slice_of_buf(&capsule)));
	bytes.size = 0;
	assert_int_equal(envelope_open(&got, &bytes, slice_of_buf(&sealed), &e.key, &right, NULL), DPC_OK);
	assert_true(got.created == e.created + hour);
	assert_int_equal(capsule_decode_head(&c, bytes.data, bytes.size, NULL), DPC_OK);
	assert_true(c.created.wall == e.created + hour && capsule_is_whole(bytes.data, bytes.size));
	buf_release(&capsule);
	buf_release(&sealed);
	buf_release(&bytes);
}

/* --- a server that is left alone --- */

static void a_server_that_failed_is_left_alone_for_a_while(void **state)
{
	struct fixture *f = *state;
	const dpc_error why = {DPC_E_IO, "cannot connect"};
	dpc_error err = {0};
	assert_int_equal(breaker_check(&f->home, 0, NULL), DPC_OK);
	breaker_note(&f->home, 0, &why);
	assert_int_equal(breaker_check(&f->home, 0, &err), DPC_E_IO);
	assert_non_null(strstr(err.message, "cannot connect; it is asked again in 1 s"));
	for (int i = 0; i < 9; i++)
		breaker_note(&f->home, 0, &why);
	assert_int_equal(breaker_check(&f->home, 0, &err), DPC_E_IO);
	assert_non_null(strstr(err.message, "again in 30 s"));
	breaker_clear(&f->home, 0);
	assert_int_equal(breaker_check(&f->home, 0, NULL), DPC_OK);
	write_text(path_at_home(f, "down"), "nonsense of a length that could be right");
	assert_int_equal(breaker_check(&f->home, 0, NULL), DPC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    with_home(a_key_file_that_is_not_as_it_must_be_is_refused),
	    with_home(a_signature_is_that_of_hmac_sha_256),
	    with_home(a_signature_is_of_one_thing_only),
	    with_home(the_first_key_signs_all_verify_and_the_last_one_keeps_the_secret),
	    cmocka_unit_test(what_is_squeezed_comes_back),
	    with_home(what_was_sealed_is_opened),
	    with_home(no_bit_of_a_sealed_value_can_be_changed),
	    with_home(who_signs_believes_nothing_unsigned),
	    cmocka_unit_test(created_is_by_the_servers_clock_on_the_way),
	    with_home(a_server_that_failed_is_left_alone_for_a_while),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
