#include "opt.h"

#include <string.h>

static bool is_called(const struct opt *o, const char *name, size_t size)
{
	return o->name[0] == name[0] && strncmp(o->name, name, size) == 0 && !o->name[size];
}

static const struct opt *find_long(struct opt_parser *p, const char *name, size_t size)
{
	/* A thousand inputs are named by a thousand options. */
	if (p->last && is_called(p->last, name, size))
		return p->last;
	for (const struct opt *o = p->table; o->name; o++)
		if (is_called(o, name, size))
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
	if (strcmp(word, "--") == 0)
		return OPT_END;
	if (strcmp(word, "--help") == 0)
		return OPT_HELP;
	const struct opt *o;
	const char *attached = NULL;
	if (word[1] == '-') {
		size_t size = strcspn(word + 2, "=");
		o = find_long(p, word + 2, size);
		attached = word[2 + size] ? word + 2 + size + 1 : NULL;
	} else {
		o = find_short(p->table, word[1]);
		attached = word[2] ? word + 2 : NULL;
	}
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
