/* Functions that glibc exports, and no header declares for those who write by hand:
 * its headers lead to them. */
#ifndef DPC_SHIM_HIDDEN_H
#define DPC_SHIM_HIDDEN_H

#include <argp.h>
#include <locale.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/socket.h>
#include <time.h>
#include <wchar.h>

int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
mqd_t __mq_open_2(const char *name, int flags);
FILE *__setmntent(const char *path, const char *mode);
int __xstat(int version, const char *path, struct stat *st);
int __xstat64(int version, const char *path, struct stat64 *st);
int __lxstat(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat64 *st);
int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags);
int __fxstatat64(int version, int dir, const char *path, struct stat64 *st, int flags);
ssize_t __readlink_chk(const char *path, char *text, size_t size, size_t room);
ssize_t __readlinkat_chk(int dir, const char *path, char *text, size_t size, size_t room);
char *__realpath_chk(const char *path, char *resolved, size_t room);
int __statfs(const char *path, struct statfs *st);
int __xmknod(int version, const char *path, mode_t mode, dev_t *device);
int __xmknodat(int version, int dir, const char *path, mode_t mode, dev_t *device);
char *__secure_getenv(const char *name);
locale_t __newlocale(int mask, const char *name, locale_t base);
size_t __strftime_l(char *text, size_t room, const char *format, const struct tm *tm, locale_t locale);
size_t __wcsftime_l(wchar_t *text, size_t room, const wchar_t *format, const struct tm *tm, locale_t locale);
int __connect(int fd, const struct sockaddr *address, socklen_t size);
int __gettimeofday(struct timeval *time, void *zone);
pid_t __getpid(void);

#endif
