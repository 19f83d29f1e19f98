#include "opt.h"

#include <string.h>

/* What follows the option's name in `word`, at its end or at a '='; NULL when
 * it is another's. */
static const char *behind_name(const struct opt *o, const char *word)
{
	const char *name = o->name;
	while (*name && *name == *word) {
		name++;
		word++;
	}
	return !*name && (!*word || *word == '=') ? word : NULL;
}

static const struct opt *find_long(struct opt_parser *p, const char *word, const char **rest)
{
	/* A thousand inputs are named by a thousand options. */
	if (p->last && (*rest = behind_name(p->last, word)))
		return p->last;
	for (const struct opt *o = p->table; o->name; o++)
		if ((*rest = behind_name(o, word)))
			return p->last = o;
	return NULL;
}

static const struct opt *find_short(const struct opt *table, char letter)
{
	for (const struct opt *o = table; o->name; o++)
		if (letter && o->letter == letter)
			return o;
	return NULL;
}

/* `attached` is the value written into the same word, or NULL. */
static int take_value(struct opt_parser *p, const struct opt *o, const char *attached, const char *word,
                      const char **value, dpc_error *err)
{
	*value = NULL;
	if (!o->argument)
		return attached ? dpc__fail(err, DPC_E_USAGE, "option %s takes no value", word) : o->id;
	if (o->argument[0] == '[') {
		*value = attached ? attached : "";
		return o->id;
	}
	*value = attached ? attached : p->argv[p->at];
	if (!*value)
		return dpc__fail(err, DPC_E_USAGE, "option %s needs a value (%s)", word, o->argument);
	if (!attached)
		p->at++;
	return o->id;
}

int opt_expect_end(const struct opt_parser *p, dpc_error *err)
{
	const char *word = p->argv[p->at];
	return word ? dpc__fail(err, DPC_E_USAGE, "nothing is to be done with '%s'", word) : DPC_OK;
}

int opt_next(struct opt_parser *p, const char **value, dpc_error *err)
{
	const char *word = p->argv[p->at];
	if (!word || word[0] != '-' || !word[1])
		return OPT_END;
	p->at++;
	if (word[1] == '-' && !word[2])
		return OPT_END;
	const struct opt *o;
	const char *attached = NULL;
	if (word[1] == '-') {
		const char *rest;
		o = find_long(p, word + 2, &rest);
		attached = o && *rest ? rest + 1 : NULL;
	} else {
		o = find_short(p->table, word[1]);
		attached = word[2] ? word + 2 : NULL;
	}
	if (!o && strcmp(word, "--help") == 0)
		return OPT_HELP;
	if (!o)
		return dpc__fail(err, DPC_E_USAGE, "unknown option %s", word);
	return take_value(p, o, attached, word, value, err);
}

int opt_read(struct opt_parser *p, const struct opt_slot *slots, bool *help, dpc_error *err)
{
	const char *value = NULL;
	int id;
	*help = false;
	while ((id = opt_next(p, &value, err)) != OPT_END) {
		if (id < 0)
			return id;
		if (id == OPT_HELP) {
			*help = true;
			return DPC_OK;
		}
		const struct opt_slot *s = slots;
		while (s->id != id)
			s++;
		if (s->flag)
			*s->flag = true;
		else
			*s->value = value;
	}
	return DPC_OK;
}
