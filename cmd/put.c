/* dpcache put: remember standard input under a name. */
#include "cmd.h"

#include "named.h"
#include "os.h"
#include "place.h"

const struct opt put_opts[] = {
    {"ttl", 0, "DURATION", "how long get answers with it (default forever)", NAMED_TTL},
    {"region", 0, "NAME", "keep it among the keys of region NAME", NAMED_REGION},
    {"store", 0, "URL", ENGINE_URLS, NAMED_STORE},
    {NULL, 0, NULL, NULL, 0},
};

static int feed_stdin(void *context, struct recorder *r, dpc_error *err)
{
	char chunk[65536];
	ssize_t n;
	(void)context;
	while ((n = os_read_full(0, chunk, sizeof chunk)) > 0) {
		int rc = recorder_append(r, STREAM_OUT, chunk, (size_t)n, err);
		if (rc != DPC_OK)
			return rc;
	}
	return n < 0 ? dpc__fail_errno(err, "cannot read standard input") : DPC_OK;
}

int cmd_put(const struct command *self, char **words)
{
	struct named n;
	struct place p = {.home = {.fd = -1}};
	dpc_error err = {0};
	os_hold_write_signals(&(struct write_signals){0});
	int rc = named_parse(&n, self->options, words, DPC_FOREVER, &err);
	if (rc == DPC_OK && n.help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = place_open(&p, n.store, true, &err);
	/* Invalidated while we wrote (DPC_MISS) is as good as right after it. */
	if (rc == DPC_OK)
		rc = value_put(&p.home, &n.name, n.ttl, feed_stdin, NULL, &err);
	place_close(&p);
	return rc < 0 ? place_fail(&err) : 0;
}
