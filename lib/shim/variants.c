#include "variants.h"

#include <string.h>

/* With the set as given, plain, or without; all that with and without the country; and all
 * of that with and without the modifier. */
enum { GIVEN, PLAIN, WITHOUT, SETS, ALL = SETS * 4 };

/* From here up to one of these letters. */
static size_t part(const struct variants *v, size_t from, size_t size, const char *ends)
{
	while (from < size && !strchr(ends, v->name[from]))
		from++;
	return from;
}

/* Only small letters and digits. What has no letter is a number of ISO's. */
static void make_plain(char *out, const char *set, size_t size)
{
	size_t used = 3;
	bool has_letter = false;
	memcpy(out, "iso", 3);
	for (size_t i = 0; i < size; i++) {
		bool digit = set[i] >= '0' && set[i] <= '9', letter = (set[i] | 32) >= 'a' && (set[i] | 32) <= 'z';
		if (digit || letter)
			out[used++] = digit ? set[i] : (char)(set[i] | 32);
		has_letter |= letter;
	}
	out[used] = 0;
	if (has_letter)
		memmove(out, out + 3, used - 2);
}

bool variants_begin(struct variants *v, const char *name, size_t size)
{
	v->name = name;
	v->next = 0;
	if (size >= VARIANT_MAX / 2 - 3)
		return false;
	v->language = part(v, 0, size, "_.@");
	v->country = part(v, v->language, size, ".@");
	v->set = part(v, v->country, size, "@");
	v->modifier = size;
	make_plain(v->plain_set, name + v->country + 1, v->set > v->country ? v->set - v->country - 1 : 0);
	return true;
}

static char *put(char *end, const char *text, size_t size)
{
	memcpy(end, text, size);
	return end + size;
}

static void make(const struct variants *v, char *end, unsigned set, bool country, bool modifier)
{
	end = put(end, v->name, country ? v->country : v->language);
	if (set == PLAIN)
		*end++ = '.';
	if (set != WITHOUT)
		end = set == PLAIN ? put(end, v->plain_set, strlen(v->plain_set))
		                   : put(end, v->name + v->country, v->set - v->country);
	end = put(end, v->name + v->set, modifier ? v->modifier - v->set : 0);
	*end = 0;
}

bool variants_next(struct variants *v, char variant[VARIANT_MAX])
{
	bool has_country = v->country > v->language, has_set = v->set > v->country,
	     has_modifier = v->modifier > v->set;
	while (v->next < ALL) {
		unsigned n = v->next++, set = n % SETS;
		bool country = n / SETS % 2 == 0, modifier = n / SETS / 2 == 0;
		/* To leave out what is not there would be the same once more. */
		if ((!country && !has_country) || (!modifier && !has_modifier) || (set != WITHOUT && !has_set))
			continue;
		v->whole = country && modifier && (set != WITHOUT || !has_set);
		make(v, variant, set, country, modifier);
		return true;
	}
	return false;
}
