/* Users, groups, services: files of /etc; and hosts, which are the network's affair. */
#include "names_calls.h"

#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <shadow.h>
#include <string.h>
#include <sys/socket.h>

NAMED("passwd", struct passwd *, getpwnam, (const char *name), (name))
NAMED("passwd", struct passwd *, getpwuid, (uid_t user), (user))
NAMED("passwd", struct passwd *, getpwent, (void), ())
NAMED("passwd", int, getpwnam_r,
      (const char *name, struct passwd *entry, char *room, size_t size, struct passwd **result),
      (name, entry, room, size, result))
NAMED("passwd", int, getpwuid_r,
      (uid_t user, struct passwd *entry, char *room, size_t size, struct passwd **result),
      (user, entry, room, size, result))
NAMED("group", struct group *, getgrnam, (const char *name), (name))
NAMED("group", struct group *, getgrgid, (gid_t group), (group))
NAMED("group", struct group *, getgrent, (void), ())
NAMED("group", int, getgrnam_r,
      (const char *name, struct group *entry, char *room, size_t size, struct group **result),
      (name, entry, room, size, result))
NAMED("group", int, getgrgid_r,
      (gid_t group, struct group *entry, char *room, size_t size, struct group **result),
      (group, entry, room, size, result))
NAMED("group", int, getgrouplist, (const char *user, gid_t group, gid_t *groups, int *count),
      (user, group, groups, count))
NAMED("group", int, initgroups, (const char *user, gid_t group), (user, group))
NAMED("shadow", struct spwd *, getspnam, (const char *name), (name))
NAMED("services", struct servent *, getservbyname, (const char *name, const char *protocol), (name, protocol))
NAMED("services", struct servent *, getservbyport, (int port, const char *protocol), (port, protocol))
NAMED("protocols", struct protoent *, getprotobyname, (const char *name), (name))
NAMED("protocols", struct protoent *, getprotobynumber, (int number), (number))

HOST(struct hostent *, gethostbyname, (const char *name), (name))
HOST(struct hostent *, gethostbyname2, (const char *name, int family), (name, family))
HOST(struct hostent *, gethostbyaddr, (const void *address, socklen_t size, int family),
     (address, size, family))

/* Only names need the network; without one, or with a number, services are looked up. */
SHIM int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **found)
{
	int flags = hints ? hints->ai_flags : 0;
	if (node && !(flags & AI_NUMERICHOST))
		names_log_host();
	else
		rules_names("services");
	return REAL(getaddrinfo)(node, service, hints, found);
}

SHIM int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size,
                     char *service, socklen_t service_size, int flags)
{
	if (host && !(flags & NI_NUMERICHOST))
		names_log_host();
	else
		rules_names("services");
	return REAL(getnameinfo)(address, size, host, host_size, service, service_size, flags);
}

LISTING("passwd", setpwent)
LISTING("group", setgrent)
