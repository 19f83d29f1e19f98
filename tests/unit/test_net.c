/* What the URL of a network store says. */
#include "support.h"

#include "net.h"

static struct net parsed(enum engine engine, const char *rest)
{
	struct net n;
	dpc_error err = {0};
	if (net_parse(&n, engine, rest, &err) != DPC_OK)
		fail_msg("%s: %s", rest, err.message);
	return n;
}

static void assert_slice(struct slice s, const char *text)
{
	assert_true(slice_equal(s, slice_of(text)));
}

static void a_host_is_enough(void **state)
{
	(void)state;
	struct net n = parsed(ENGINE_REDIS, "//host");
	assert_slice(n.hosts, "host");
	assert_slice(n.ns, "main");
	assert_null(n.user.data);
	assert_true(n.database == 0 && n.zstd == 3);
	assert_true(n.lease == INT64_C(10000000000) && n.io_timeout == INT64_C(1000000000) && n.l1_ttl == n.io_timeout);
	assert_false(n.read_only || n.unsigned_values);
}

static void user_port_database_and_options(void **state)
{
	(void)state;
	struct net n = parsed(ENGINE_REDIS_TLS, "//me@host:7000/12?ns=a-B_9&lease=30&io_timeout=50ms&l1_ttl=0&read_only=1"
	                                        "&unsigned=1&zstd=0&ca=/etc/ca.pem");
	assert_slice(n.user, "me");
	assert_slice(n.hosts, "host:7000");
	assert_slice(n.ns, "a-B_9");
	assert_slice(n.ca, "/etc/ca.pem");
	assert_true(n.database == 12 && n.zstd == 0);
	assert_true(n.lease == INT64_C(30000000000) && n.io_timeout == 50000000 && n.l1_ttl == 0);
	assert_true(n.read_only && n.unsigned_values);
}

static void a_socket_has_a_path(void **state)
{
	(void)state;
	struct net n = parsed(ENGINE_REDIS_UNIX, "//me@/run/redis.sock?db=3");
	assert_slice(n.path, "/run/redis.sock");
	assert_slice(n.user, "me");
	assert_int_equal(n.database, 3);
}

static void hosts_are_told_one_by_one(void **state)
{
	(void)state;
	struct net n = parsed(ENGINE_REDIS, "//one,two:2,[::3],[::4]:4");
	struct slice rest = n.hosts;
	char name[NET_TEXT];
	int port;
	static const struct {
		const char *name;
		int port;
	} expected[] = {{"one", 9}, {"two", 2}, {"::3", 9}, {"::4", 4}};
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_true(net_next_host(name, &port, &rest, 9));
		assert_string_equal(name, expected[i].name);
		assert_int_equal(port, expected[i].port);
	}
	assert_false(net_next_host(name, &port, &rest, 9));
}

static void what_is_malformed_is_refused_in_words(void **state)
{
	(void)state;
	static const struct {
		enum engine engine;
		const char *rest, *why;
	} wrong[] = {
	    {ENGINE_REDIS, "", "no //"},
	    {ENGINE_REDIS, "host", "no //"},
	    {ENGINE_REDIS, "//", "no host"},
	    {ENGINE_REDIS, "///1", "no host"},
	    {ENGINE_REDIS, "//,b", "no host"},
	    {ENGINE_REDIS, "//host:", "colon"},
	    {ENGINE_REDIS, "//host:0", "port"},
	    {ENGINE_REDIS, "//host:70000", "port"},
	    {ENGINE_REDIS, "//host:http", "port"},
	    {ENGINE_REDIS, "//[::1]x", "colon"},
	    {ENGINE_REDIS, "//host/zero", "database"},
	    {ENGINE_REDIS, "//host/-1", "database"},
	    {ENGINE_REDIS, "//@host", "user"},
	    {ENGINE_REDIS, "//host?ns=", "ns"},
	    {ENGINE_REDIS, "//host?ns=a:b", "ns"},
	    {ENGINE_REDIS, "//host?ns=a*", "ns"},
	    {ENGINE_REDIS, "//host?lease=1ms", "lease"},
	    {ENGINE_REDIS, "//host?lease=forever", "lease"},
	    {ENGINE_REDIS, "//host?io_timeout=0", "io_timeout"},
	    {ENGINE_REDIS, "//host?l1_ttl=x", "l1_ttl"},
	    {ENGINE_REDIS, "//host?read_only=yes", "read_only"},
	    {ENGINE_REDIS, "//host?unsigned=2", "unsigned"},
	    {ENGINE_REDIS, "//host?zstd=20", "zstd"},
	    {ENGINE_REDIS, "//host?color=red", "none of"},
	    {ENGINE_MEMCACHED, "//me@host", "user"},
	    {ENGINE_MEMCACHED, "//host/1", "database"},
	    {ENGINE_MEMCACHED, "//host?db=1", "none of"},
	    {ENGINE_MEMCACHED, "//host,:1", "no host"},
	    {ENGINE_REDIS_UNIX, "//", "path"},
	    {ENGINE_REDIS_UNIX, "//relative", "path"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct net n;
		dpc_error err = {0};
		if (net_parse(&n, wrong[i].engine, wrong[i].rest, &err) != DPC_E_USAGE || !strstr(err.message, wrong[i].why))
			fail_msg("%s: %s", wrong[i].rest, err.message);
	}
}

static void a_password_is_refused_and_not_told(void **state)
{
	(void)state;
	struct net n;
	dpc_error err = {0};
	assert_int_equal(net_parse(&n, ENGINE_REDIS, "//me:secret@host", &err), DPC_E_USAGE);
	assert_non_null(strstr(err.message, "DPCACHE_PASSWORD"));
	assert_null(strstr(err.message, "secret"));
	assert_int_equal(net_parse(&n, ENGINE_REDIS, "//:secret@host", &err), DPC_E_USAGE);
	assert_null(strstr(err.message, "secret"));
}

static uint64_t place_of(enum engine engine, const char *rest)
{
	struct net n = parsed(engine, rest);
	return net_place(&n, engine);
}

static void a_place_is_a_server_a_database_and_a_namespace(void **state)
{
	(void)state;
	uint64_t base = place_of(ENGINE_REDIS, "//host/1?ns=a");
	assert_true(base != 0);
	assert_true(base == place_of(ENGINE_REDIS, "//me@host/1?l1_ttl=9&ns=a&read_only=1"));
	assert_true(base != place_of(ENGINE_REDIS, "//other/1?ns=a"));
	assert_true(base != place_of(ENGINE_REDIS, "//host/2?ns=a"));
	assert_true(base != place_of(ENGINE_REDIS, "//host/1?ns=b"));
	assert_true(base != place_of(ENGINE_REDIS, "//host/1"));
	assert_true(base != place_of(ENGINE_REDIS_TLS, "//host/1?ns=a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_host_is_enough),
	    cmocka_unit_test(user_port_database_and_options),
	    cmocka_unit_test(a_socket_has_a_path),
	    cmocka_unit_test(hosts_are_told_one_by_one),
	    cmocka_unit_test(what_is_malformed_is_refused_in_words),
	    cmocka_unit_test(a_password_is_refused_and_not_told),
	    cmocka_unit_test(a_place_is_a_server_a_database_and_a_namespace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
