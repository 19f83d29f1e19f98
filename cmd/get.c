/* dpcache get: the value under a name. */
#include "cmd.h"

#include "events.h"
#include "named.h"
#include "place.h"
#include "os.h"
#include "replay.h"

const struct opt get_opts[] = {
    {"ttl", 0, "DURATION", "accept values up to this old (default: as long as put said)", NAMED_TTL},
    {"region", 0, "NAME", "look among the keys of region NAME", NAMED_REGION},
    {"store", 0, "URL", ENGINE_URLS, NAMED_STORE},
    {NULL, 0, NULL, NULL, 0},
};

int cmd_get(const struct command *self, char **words)
{
	struct named n;
	struct place p = {.home = {.fd = -1}};
	struct answer found = ANSWER_NONE;
	dpc_error err = {0};
	/* A negative ttl takes the writer's. */
	int rc = named_parse(&n, self->options, words, -1, &err);
	if (rc == DPC_OK && n.help)
		return cmd_help(self);
	if (rc == DPC_OK)
		rc = place_open(&p, n.store, false, &err);
	if (rc == DPC_OK)
		rc = value_get(&found, &p.home, &n.name, n.ttl, &err);
	if (rc == DPC_OK) {
		os_hold_write_signals(&(struct write_signals){0});
		events_append(&p.home, EVENT_HIT, &found.capsule.key, found.capsule.cost);
		rc = replay_frames(&found.frames, NULL, 1, -1, &err);
	}
	answer_release(&found);
	place_close(&p);
	return rc < 0 ? place_fail(&err) : rc == DPC_MISS ? EXIT_MISS : 0;
}
