#include "rules.h"

#include "find.h"
#include "library.h"
#include "log.h"
#include "gnuhash.h"
#include "raw.h"
#include "told.h"
#include "variants.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *rules_variable(const char *name)
{
	log_word(WIRE_VARIABLE_READ, name);
	return REAL(getenv)(name);
}

/* The pieces together, up to a NULL. False: too long. */
static bool join_pieces(char path[WIRE_PATH_MAX], const char *const *pieces)
{
	size_t used = 0;
	for (; *pieces; pieces++) {
		size_t size = strlen(*pieces);
		if (used + size >= WIRE_PATH_MAX)
			return false;
		memcpy(path + used, *pieces, size);
		used += size;
	}
	path[used] = 0;
	return true;
}

static void read_pieces(const char *const *pieces)
{
	char path[WIRE_PATH_MAX];
	if (join_pieces(path, pieces))
		log_read_by_rule(path);
}

#define READ_FILE(...) read_pieces((const char *[]){__VA_ARGS__, NULL})

/* Local time is asked for again and again: the file is looked at once for each zone. */
static bool is_new_zone(const char *zone)
{
	static _Atomic uint64_t last;
	uint64_t now = zone ? (uint64_t)gnuhash(zone) << 32 | (uint32_t)(uintptr_t)zone : 1;
	return atomic_exchange_explicit(&last, now, memory_order_relaxed) != now;
}

void rules_zone(void)
{
	if (!log_on())
		return;
	const char *zone = rules_variable("TZ");
	if (!is_new_zone(zone))
		return;
	if (!zone) {
		log_read_by_rule("/etc/localtime");
		return;
	}
	zone += *zone == ':';
	if (*zone == '/') {
		log_read_by_rule(zone);
		return;
	}
	const char *dir = rules_variable("TZDIR");
	READ_FILE(dir && *dir ? dir : "/usr/share/zoneinfo", "/", *zone ? zone : "Universal");
}

void rules_charsets(void)
{
	rules_variable("GCONV_PATH");
	log_read_by_rule("/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache");
	library_sweep();
}

static void seek_directory(const char *dir)
{
	if (dir && *dir && log_on())
		log_outcome(WIRE_STAT, WIRE_LOOK_TYPE, AT_FDCWD, dir, (int)-raw_access(AT_FDCWD, dir, F_OK));
}

void rules_temporary(const char *dir)
{
	seek_directory(rules_variable("TMPDIR"));
	seek_directory(dir);
}

void rules_date(void)
{
	const char *masks = rules_variable("DATEMSK");
	if (masks && *masks)
		log_read_by_rule(masks);
	log_note(WIRE_SAW_TIME);
	rules_zone();
}

void rules_names(const char *file)
{
	log_read_by_rule("/etc/nsswitch.conf");
	READ_FILE("/etc/", file);
	/* Other services come as libraries. */
	library_sweep();
}

/* Strings by themselves, here and elsewhere in the shim: pointers to them would each have to
 * be relocated at the start of every process. */
static const char categories[][32] = {
    "LC_CTYPE",     "LC_NUMERIC",     "LC_TIME",           "LC_COLLATE",
    "LC_MONETARY",  "LC_PAPER",       "LC_NAME",           "LC_ADDRESS",
    "LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION", "LC_MESSAGES/SYS_LC_MESSAGES"};

/* One directory that is missing says so of all below it. */
static bool is_dir(const char *dir, const char *name)
{
	char path[WIRE_PATH_MAX];
	if (!join_pieces(path, (const char *[]){dir, "/", name, NULL}))
		return false;
	long rc = raw_access(AT_FDCWD, path, X_OK);
	if (rc < 0)
		log_outcome(WIRE_ACCESS, 0, AT_FDCWD, path, (int)-rc);
	return rc == 0;
}

static bool read_locale_dir(const char *dir, const char *name)
{
	if (!is_dir(dir, name))
		return false;
	for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
		READ_FILE(dir, "/", name, "/", categories[i]);
	return true;
}

static bool is_plain(const char *name)
{
	return !name || !*name || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
}

/* Where there is none of that name, one of the language at large will do. */
static void read_locale_below(const char *dir, const char *name)
{
	char variant[VARIANT_MAX];
	struct variants v;
	bool found = false;
	uint64_t rule = told_hash((const char *const[]){"locale", dir, name, NULL});
	/* A relative directory is another for each process. */
	if ((*dir == '/' && told_before(rule)) || !variants_begin(&v, name, strlen(name)))
		return;
	while (variants_next(&v, variant) && (v.whole || !found))
		found |= read_locale_dir(dir, variant);
	told_note(rule);
}

/* Apart, for its large frame. */
static __attribute__((noinline)) void read_locale_along(const char *path, const char *name)
{
	char dir[WIRE_PATH_MAX];
	for (size_t size; *path; path += size + (path[size] == ':')) {
		size = strcspn(path, ":");
		if (!size || size >= sizeof dir)
			continue;
		memcpy(dir, path, size);
		dir[size] = 0;
		read_locale_below(dir, name);
	}
}

static void read_locale(const char *name)
{
	if (is_plain(name))
		return;
	const char *path = rules_variable("LOCPATH");
	if (path && *path)
		read_locale_along(path, name);
	else
		log_read_by_rule("/usr/lib/locale/locale-archive");
	log_read_by_rule("/usr/share/locale/locale.alias");
	read_locale_below("/usr/lib/locale", name);
	log_read_by_rule("/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache");
	/* The C library's own messages. */
	rules_messages(NULL, "libc");
}

void rules_locale(const char *name)
{
	/* What is put together of several comes from an earlier call's answer. */
	if (!log_on() || !name || strchr(name, '='))
		return;
	if (*name) {
		read_locale(name);
		return;
	}
	const char *all = rules_variable("LC_ALL");
	/* No other counts besides, be it "C". */
	if (all && *all) {
		read_locale(all);
		return;
	}
	read_locale(rules_variable("LANG"));
	for (size_t i = 0; i < sizeof categories / sizeof *categories - 1; i++)
		read_locale(rules_variable(categories[i]));
	read_locale(rules_variable("LC_MESSAGES"));
}

static void read_catalog(const char *dir, const char *language, const char *domain)
{
	if (is_dir(dir, language))
		READ_FILE(dir, "/", language, "/LC_MESSAGES/", domain, ".mo");
}

/* Catalogs of one language, the more special first. */
static void read_catalogs(const char *dir, const char *language, size_t size, const char *domain)
{
	char variant[VARIANT_MAX];
	struct variants v;
	if (!size || !variants_begin(&v, language, size))
		return;
	while (variants_next(&v, variant) && !(v.whole && is_plain(variant)))
		read_catalog(dir, variant, domain);
}

/* Of the variables that name it the first that says something. */
static const char *messages_locale(void)
{
	static const char variables[][16] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	const char *name = NULL;
	for (size_t i = 0; i < sizeof variables / sizeof *variables && !(name && *name); i++)
		name = rules_variable(variables[i]);
	return name;
}

/* In the languages of a list, too, which come first. */
static void read_all_catalogs(const char *dir, const char *name, const char *list, const char *domain)
{
	uint64_t rule = told_hash((const char *const[]){"catalogs", dir, name, list, domain, NULL});
	if (*dir == '/' && told_before(rule))
		return;
	read_catalogs(dir, name, strlen(name), domain);
	for (size_t size; *list; list += size + (list[size] == ':')) {
		size = strcspn(list, ":");
		read_catalogs(dir, list, size, domain);
	}
	told_note(rule);
}

void rules_messages(const char *dir, const char *domain)
{
	const char *name = log_on() && domain ? messages_locale() : NULL;
	/* Whose messages are not translated. */
	if (is_plain(name))
		return;
	const char *list = rules_variable("LANGUAGE");
	if (rules_variable("OUTPUT_CHARSET"))
		rules_charsets();
	read_all_catalogs(dir ? dir : "/usr/share/locale", name, list ? list : "", domain);
}

/* Along NLSPATH there may be many: of those no more is known than that they were
 * sought. */
void rules_catalog(const char *name)
{
	if (!log_on() || !name)
		return;
	rules_variable("LANG");
	rules_variable("LC_ALL");
	rules_variable("LC_MESSAGES");
	if (strchr(name, '/'))
		log_read_by_rule(name);
	else if (rules_variable("NLSPATH"))
		log_word(WIRE_UNCACHEABLE, "sought a message catalog");
}
