#include "net.h"

#include "hash.h"
#include "parse.h"

#include <stdio.h>
#include <string.h>

static const int64_t SECOND = 1000000000;

void net_text(char out[NET_TEXT], struct slice text)
{
	memcpy(out, text.size ? (const char *)text.data : "", text.size);
	out[text.size] = '\0';
}

static int refuse(dpc_error *err, enum engine engine, const char *what)
{
	return dpc__fail(err, DPC_E_USAGE, "the store's URL %s:… %s", engine_names[engine].scheme, what);
}

/* What stands before `end`, which is passed over; all of it where that does not come. */
static struct slice cut(struct slice *rest, char end)
{
	const uint8_t *at = rest->size ? memchr(rest->data, end, rest->size) : NULL;
	struct slice head = {rest->data, at ? (size_t)(at - rest->data) : rest->size};
	size_t used = head.size + (at != NULL);
	*rest = (struct slice){rest->data + used, rest->size - used};
	return head;
}

static bool is(struct slice text, const char *word)
{
	return text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

static bool number_of(int *out, struct slice text, long low, long high)
{
	char word[16];
	long n;
	if (!text.size || text.size >= sizeof word)
		return false;
	memcpy(word, text.data, text.size);
	word[text.size] = '\0';
	if (!parse_number(&n, word, low, high))
		return false;
	*out = (int)n;
	return true;
}

/* --- options --- */

static int take_duration(int64_t *out, enum engine engine, struct slice value, int64_t least, const char *what,
                         dpc_error *err)
{
	char word[32];
	if (value.size >= sizeof word)
		return refuse(err, engine, what);
	memcpy(word, value.data, value.size);
	word[value.size] = '\0';
	return parse_duration(out, word) && *out >= least && *out != DPC_FOREVER ? DPC_OK : refuse(err, engine, what);
}

static int take_switch(bool *out, enum engine engine, struct slice value, const char *what, dpc_error *err)
{
	int n = 0;
	if (!number_of(&n, value, 0, 1))
		return refuse(err, engine, what);
	*out = n == 1;
	return DPC_OK;
}

/* Fit to be part of a key's name on any server. */
static bool is_plain(struct slice word)
{
	for (size_t i = 0; i < word.size; i++) {
		uint8_t c = word.data[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
		if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return word.size > 0 && word.size <= 64;
}

static int take_option(struct net *n, enum engine engine, struct slice name, struct slice value, dpc_error *err)
{
	if (is(name, "ns")) {
		n->ns = value;
		return is_plain(value) ? DPC_OK : refuse(err, engine, "has an ns that is not of letters, digits, - and _");
	}
	if (is(name, "ca")) {
		n->ca = value;
		return value.size ? DPC_OK : refuse(err, engine, "has an empty ca");
	}
	if (is(name, "db") && engine_names[engine].databases)
		return number_of(&n->database, value, 0, 65535) ? DPC_OK : refuse(err, engine, "has a db that is no number");
	if (is(name, "zstd"))
		return number_of(&n->zstd, value, 0, 19) ? DPC_OK : refuse(err, engine, "has a zstd that is not 0 to 19");
	if (is(name, "lease"))
		return take_duration(&n->lease, engine, value, SECOND / 10, "has a lease that is no duration of 100ms or more",
		                     err);
	if (is(name, "io_timeout"))
		return take_duration(&n->io_timeout, engine, value, SECOND / 1000,
		                     "has an io_timeout that is no duration of 1ms or more", err);
	n->l1_ttl_given |= is(name, "l1_ttl");
	if (is(name, "l1_ttl"))
		return take_duration(&n->l1_ttl, engine, value, 0, "has an l1_ttl that is no duration", err);
	if (is(name, "read_only"))
		return take_switch(&n->read_only, engine, value, "has a read_only that is not 0 or 1", err);
	if (is(name, "unsigned"))
		return take_switch(&n->unsigned_values, engine, value, "has an unsigned that is not 0 or 1", err);
	return refuse(err, engine,
	              "has an option that is none of ns, db, lease, io_timeout, l1_ttl, read_only, unsigned, zstd, ca");
}

static int take_options(struct net *n, enum engine engine, struct slice options, dpc_error *err)
{
	int rc = DPC_OK;
	while (rc == DPC_OK && options.size) {
		struct slice value = cut(&options, '&'), name = cut(&value, '=');
		if (value.size >= NET_TEXT)
			return refuse(err, engine, "has a value that is too long");
		rc = take_option(n, engine, name, value, err);
	}
	return rc;
}

/* --- where --- */

static int take_user(struct net *n, enum engine engine, struct slice *rest, dpc_error *err)
{
	const uint8_t *at = rest->size ? memchr(rest->data, '@', rest->size) : NULL;
	if (!at)
		return DPC_OK;
	if (engine == ENGINE_MEMCACHED)
		return refuse(err, engine, "must not name a user: memcached has none");
	n->user = cut(rest, '@');
	if (memchr(n->user.data, ':', n->user.size))
		return refuse(err, engine, "must not hold a password; set DPCACHE_PASSWORD or DPCACHE_PASSWORD_FILE");
	if (!n->user.size || n->user.size >= NET_TEXT)
		return refuse(err, engine, "has an empty or too long user");
	return DPC_OK;
}

/* "[…]" around an address of IPv6 is not part of it. */
static bool split_host(struct slice *name, struct slice *port, struct slice host)
{
	const uint8_t *end = host.size && *host.data == '[' ? memchr(host.data, ']', host.size) : NULL;
	*port = (struct slice){NULL, 0};
	if (end) {
		*name = (struct slice){host.data + 1, (size_t)(end - host.data) - 1};
		host = (struct slice){end + 1, host.size - name->size - 2};
		if (host.size && *host.data != ':')
			return false;
	} else {
		*name = (struct slice){host.data, host.size};
		const uint8_t *colon = host.size ? memchr(host.data, ':', host.size) : NULL;
		if (!colon)
			return true;
		name->size = (size_t)(colon - host.data);
		host = (struct slice){colon, host.size - name->size};
	}
	if (host.size)
		*port = (struct slice){host.data + 1, host.size - 1};
	return !host.size || port->size;
}

bool net_next_host(char name[NET_TEXT], int *port, struct slice *hosts, int default_port)
{
	struct slice host, digits;
	if (!hosts->size)
		return false;
	split_host(&host, &digits, cut(hosts, ','));
	net_text(name, host);
	*port = default_port;
	if (digits.size)
		number_of(port, digits, 1, 65535);
	return true;
}

static int check_hosts(const struct net *n, enum engine engine, dpc_error *err)
{
	struct slice rest = n->hosts, name, digits;
	int port;
	do {
		if (!split_host(&name, &digits, cut(&rest, ',')))
			return refuse(err, engine, "has a host without a port behind its colon");
		if (!name.size)
			return refuse(err, engine, "names no host");
		if (name.size >= NET_TEXT)
			return refuse(err, engine, "has a host that is too long");
		if (digits.size && !number_of(&port, digits, 1, 65535))
			return refuse(err, engine, "has a port that is not 1 to 65535");
	} while (rest.size);
	return DPC_OK;
}

static int take_authority(struct net *n, enum engine engine, struct slice rest, dpc_error *err)
{
	n->hosts = cut(&rest, '/');
	int rc = check_hosts(n, engine, err);
	if (rc != DPC_OK || !rest.size)
		return rc;
	return engine_names[engine].databases && number_of(&n->database, rest, 0, 65535)
	           ? DPC_OK
	           : refuse(err, engine, "has a path that is no database's number");
}

static int take_path(struct net *n, enum engine engine, struct slice rest, dpc_error *err)
{
	n->path = rest;
	return rest.size && *rest.data == '/' && rest.size < 108
	           ? DPC_OK
	           : refuse(err, engine, "has no path of a socket that is absolute and short enough");
}

int net_parse(struct net *n, enum engine engine, const char *rest, dpc_error *err)
{
	*n = (struct net){.ns = {(const uint8_t *)"main", 4},
	                  .zstd = 3,
	                  .lease = 10 * SECOND,
	                  .io_timeout = SECOND,
	                  .l1_ttl = SECOND};
	if (strncmp(rest, "//", 2) != 0)
		return refuse(err, engine, "has no // behind its scheme");
	struct slice options = {(const uint8_t *)rest + 2, strlen(rest + 2)}, where = cut(&options, '?');
	int rc = take_user(n, engine, &where, err);
	if (rc == DPC_OK)
		rc = engine == ENGINE_REDIS_UNIX ? take_path(n, engine, where, err) : take_authority(n, engine, where, err);
	return rc == DPC_OK ? take_options(n, engine, options, err) : rc;
}

uint64_t net_place(const struct net *n, enum engine engine)
{
	struct buf b = {0};
	buf_string(&b, engine_names[engine].scheme);
	buf_field(&b, n->hosts.data, n->hosts.size);
	buf_field(&b, n->path.data, n->path.size);
	buf_u32(&b, (uint32_t)n->database);
	buf_field(&b, n->ns.data, n->ns.size);
	uint64_t place = hash64(b.data, b.size);
	buf_release(&b);
	/* 0 is a local store's. */
	return place ? place : 1;
}
