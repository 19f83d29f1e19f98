#include "sign.h"

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYS = 16, KEY_LEAST = 32, KEY_MOST = 256, FILE_MOST = 65536 };

struct signing_key {
	uint8_t bytes[KEY_MOST], id[SIGN_ID];
	size_t size;
};

struct signer {
	struct signing_key keys[KEYS];
	size_t count;
};

static const char DOMAIN[] = "dpcache value 1", ID_DOMAIN[] = "dpcache key id 1", SECRET_DOMAIN[] = "dpcache secret 1";

void signer_close(struct signer *s)
{
	if (s)
		OPENSSL_cleanse(s, sizeof *s);
	free(s);
}

/* --- the file --- */

static int digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool take_key(struct signing_key *k, struct slice line)
{
	if (line.size % 2 || line.size / 2 < KEY_LEAST || line.size / 2 > KEY_MOST)
		return false;
	for (size_t i = 0; i < line.size; i += 2) {
		int high = digit(line.data[i]), low = digit(line.data[i + 1]);
		if (high < 0 || low < 0)
			return false;
		k->bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	k->size = line.size / 2;
	uint8_t sum[SHA256_DIGEST_LENGTH];
	HMAC(EVP_sha256(), k->bytes, (int)k->size, (const uint8_t *)ID_DOMAIN, sizeof ID_DOMAIN, sum, NULL);
	memcpy(k->id, sum, sizeof k->id);
	return true;
}

static struct slice next_line(struct slice *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->size);
	struct slice line = {rest->data, end ? (size_t)(end - rest->data) : rest->size};
	size_t used = line.size + (end != NULL);
	*rest = (struct slice){rest->data + used, rest->size - used};
	if (line.size && line.data[line.size - 1] == '\r')
		line.size--;
	return line;
}

static int take_keys(struct signer *s, struct slice text, const char *path, dpc_error *err)
{
	for (int number = 1; text.size; number++) {
		struct slice line = next_line(&text);
		if (!line.size || *line.data == '#')
			continue;
		if (s->count == KEYS)
			return dpc__fail(err, DPC_E_USAGE, "key file %s: has more than %d keys", path, KEYS);
		if (!take_key(&s->keys[s->count++], line))
			return dpc__fail(err, DPC_E_USAGE, "key file %s: line %d is not a key of 64 or more hexadecimal digits", path,
			                 number);
	}
	return s->count ? DPC_OK : dpc__fail(err, DPC_E_USAGE, "key file %s: has no key", path);
}

static int check_file(int fd, const char *path, dpc_error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return dpc__fail_errno(err, "cannot stat key file %s", path);
	if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0))
		return dpc__fail(err, DPC_E_DENIED, "key file %s is not a regular file of yours", path);
	if (st.st_mode & 077)
		return dpc__fail(err, DPC_E_DENIED, "key file %s is open to others; run: chmod 600 %s", path, path);
	return DPC_OK;
}

static int read_keys(struct signer *s, int fd, const char *path, dpc_error *err)
{
	char text[FILE_MOST];
	int rc = check_file(fd, path, err);
	if (rc != DPC_OK)
		return rc;
	ssize_t n = os_read_full(fd, text, sizeof text);
	if (n < 0)
		rc = dpc__fail_errno(err, "cannot read key file %s", path);
	else if ((size_t)n == sizeof text)
		rc = dpc__fail(err, DPC_E_USAGE, "key file %s: is too large", path);
	else
		rc = take_keys(s, (struct slice){(const uint8_t *)text, (size_t)n}, path, err);
	OPENSSL_cleanse(text, sizeof text);
	return rc;
}

int signer_open(struct signer **out, const char *path, dpc_error *err)
{
	*out = NULL;
	int fd = os_openat_high(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0) {
		int code = errno == ENOENT ? DPC_E_NOTFOUND : errno == ELOOP ? DPC_E_DENIED : DPC_E_IO;
		return dpc__fail(err, code, "cannot open key file %s: %s", path, strerror(errno));
	}
	struct signer *s = calloc(1, sizeof *s);
	int rc = s ? read_keys(s, fd, path, err) : dpc__fail(err, DPC_E_MEMORY, "out of memory");
	close(fd);
	if (rc == DPC_OK)
		*out = s;
	else
		signer_close(s);
	return rc;
}

/* --- signatures --- */

static int sum_of(uint8_t mac[SIGN_MAC], const struct signing_key *k, const struct buf *b, dpc_error *err)
{
	if (b->failed)
		return dpc__fail(err, DPC_E_MEMORY, "out of memory");
	if (!HMAC(EVP_sha256(), k->bytes, (int)k->size, b->data, b->size, mac, NULL))
		return dpc__fail(err, DPC_E_MEMORY, "the cryptographic library refuses SHA-256");
	return DPC_OK;
}

static int sign_by(uint8_t mac[SIGN_MAC], const struct signing_key *k, const struct signed_thing *t, dpc_error *err)
{
	struct buf b = {0};
	buf_string(&b, DOMAIN);
	buf_field(&b, t->ns.data, t->ns.size);
	buf_put(&b, t->key->bytes, sizeof t->key->bytes);
	buf_u8(&b, t->kind);
	buf_field(&b, t->payload.data, t->payload.size);
	int rc = sum_of(mac, k, &b, err);
	buf_release(&b);
	return rc;
}

int sign_make(uint8_t id[SIGN_ID], uint8_t mac[SIGN_MAC], const struct signer *s, const struct signed_thing *t,
              dpc_error *err)
{
	memcpy(id, s->keys[0].id, SIGN_ID);
	return sign_by(mac, &s->keys[0], t, err);
}

int sign_verify(const uint8_t id[SIGN_ID], const uint8_t mac[SIGN_MAC], const struct signer *s,
                const struct signed_thing *t, dpc_error *err)
{
	uint8_t right[SIGN_MAC];
	for (size_t i = 0; i < s->count; i++) {
		if (memcmp(s->keys[i].id, id, SIGN_ID) != 0)
			continue;
		int rc = sign_by(right, &s->keys[i], t, err);
		if (rc == DPC_OK && CRYPTO_memcmp(right, mac, sizeof right) != 0)
			rc = dpc__fail(err, DPC_E_DENIED, "a value's signature does not match: it was altered, or is of another key");
		return rc;
	}
	return dpc__fail(err, DPC_E_DENIED, "a value was signed by a key that is not in the key file");
}

int sign_secret(uint8_t out[16], const struct signer *s, struct slice ns, dpc_error *err)
{
	uint8_t sum[SIGN_MAC];
	struct buf b = {0};
	buf_string(&b, SECRET_DOMAIN);
	buf_field(&b, ns.data, ns.size);
	int rc = sum_of(sum, &s->keys[s->count - 1], &b, err);
	buf_release(&b);
	memcpy(out, sum, 16);
	OPENSSL_cleanse(sum, sizeof sum);
	return rc;
}
