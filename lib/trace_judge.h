/* The judgement of a trace (trace.h): what its parts share, and who does what.
 *
 * trace_judge.c goes through what was seen, trace_outputs.c tells what the run made,
 * trace_stay.c whether the rest stayed as it was, trace_facts.c what is remembered of
 * it, and trace_around.c what each program depends on besides the paths it names. */
#ifndef DPC_TRACE_JUDGE_H
#define DPC_TRACE_JUDGE_H

#include "sightings.h"
#include "trace.h"

#include <limits.h>

struct judge {
	struct observations *facts;
	struct buf *outputs;
	struct sightings *seen;
	const struct trace_rules *rules;
	const struct looker *look;
	const struct vigil *vigil;
	int64_t began;
	struct pathset ways; /* directories and links that lead to what was looked at */
	char cwd[PATH_MAX];
};

/* All of these: DPC_OK; DPC_MISS and DPC_E_CONFLICT as trace_judge; DPC_E_MEMORY. */

/* --- what the run made --- */

/* Below the working directory: what is left of the path; else NULL. */
const char *judge_below_cwd(const struct judge *j, const char *path);

/* May what the run makes there be kept with the result? */
bool judge_may_be_output(const struct judge *j, const char *path);

/* Was it made by the run, and not out of what was there before? */
bool judge_is_made(const struct pathset_entry *e);

/* It was changed, or made, and may be an output. */
int judge_output(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why);

/* --- did it stay as it was? --- */

/* Says that it did not. */
int judge_changed(const char *path, dpc_error *why);

/* All that leads to it is to be looked at, once all facts are there; what is there itself,
 * behind its fact. Who looked first could miss a change that the fact shows. */
int judge_way(struct judge *j, const char *path);
int judge_ways_stayed(struct judge *j, dpc_error *why);
int judge_stayed(struct judge *j, const char *path, bool of_link, dpc_error *why);

/* --- what is remembered --- */

/* One fact, as it is now. */
int judge_add(struct judge *j, enum observation_kind kind, const char *path, dpc_error *why);

/* That nothing was there. */
int judge_add_absence(struct judge *j, const struct pathset_entry *e, const char *path, dpc_error *why);

/* All that was seen of what is there, by `bits`; what is in the file. */
int judge_add_looks(struct judge *j, uint32_t bits, const char *path, dpc_error *why);
int judge_add_content(struct judge *j, const char *path, dpc_error *why);

/* That it was not allowed. */
int judge_add_denial(struct judge *j, const char *path, dpc_error *why);

/* --- what each program depends on --- */

/* What the dynamic linker reads before any program can be watched. */
int judge_linker(struct judge *j, dpc_error *why);
int judge_variables(struct judge *j, dpc_error *why);

#endif
