/* What keeps two askings apart: their questions, field by field, and what was observed
 * for each. Pure comparison, but for differ_facts, which looks at the disk. */
#ifndef DPC_DIFFER_H
#define DPC_DIFFER_H

#include "fact.h"
#include "key.h"

enum change {
	CHANGE_OTHER,    /* there both times, and another */
	CHANGE_APPEARED, /* there now, or set, and was not */
	CHANGE_VANISHED, /* was there, or set, and is not now */
	CHANGE_ADDED,    /* asked with now, and was not */
	CHANGE_DROPPED,  /* was asked with, and is not now */
	CHANGE_HIDDEN    /* cannot be looked at now */
};

enum difference_of { OF_QUESTION, OF_INPUT, OF_TRACED };

/* Everything borrowed from what was compared. */
struct difference {
	enum difference_of of;
	enum change change;
	enum question_tag tag;       /* OF_QUESTION */
	enum observation_kind input; /* else: as it is now, or where it vanished as it was */
	size_t position;             /* of Q_ARGUMENT, from 0: the command's name */
	struct slice name;           /* of a variable or an input; data NULL: it has none */
	struct slice was, now;       /* the values; data NULL: none, or one that is not to be shown */
};

/* Zero-initialise; release with differences_release. */
struct differences {
	struct difference *v;
	size_t count, capacity;
	bool failed; /* out of memory: some are missing */
};

void differences_release(struct differences *d);

/* All add to `d`. Two encoded questions: */
void differ_questions(struct differences *d, struct slice was, struct slice now);

/* Two lists as observations_put wrote them, behind the questions that they belong to:
 * what other questions had to observe is no difference besides. */
void differ_observations(struct differences *d, struct slice was, struct slice now);

/* Facts in such a list, against the disk and the environment as they are. */
void differ_facts(struct differences *d, struct slice was, const struct looker *look);

/* How far apart it makes them: what was asked for weighs more than any input. */
uint64_t differences_weight(const struct differences *d);

#endif
