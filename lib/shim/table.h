/* Every function that the shim takes the place of. X(name) for each; a test compares
 * the list with what the shared object really exports. Those that only one C library
 * has stand in the libc_table.h of its directory. */
#ifndef DPC_SHIM_TABLE_H
#define DPC_SHIM_TABLE_H

#include "libc_table.h"

#define TABLE_OPEN(X)                                                                                        \
	X(open) X(openat) X(creat) X(fopen) X(freopen) X(mkstemp) X(mkostemp) X(mkstemps) X(mkostemps)           \
	X(shm_open) X(sem_open) X(mq_open)

#define TABLE_LOOK(X)                                                                                        \
	X(stat) X(lstat) X(fstatat) X(access) X(faccessat) X(eaccess) X(euidaccess) X(readlink) X(readlinkat)    \
	X(realpath) X(statfs) X(statvfs) X(getxattr) X(lgetxattr) X(listxattr) X(llistxattr) X(fgetxattr)    \
	X(flistxattr) X(chdir) X(fchdir)

#define TABLE_LIST(X)                                                                                        \
	X(opendir) X(fdopendir) X(scandir) X(glob) X(ftw) X(nftw)

#define TABLE_CHANGE(X)                                                                                      \
	X(mkdir) X(mkdirat) X(mkdtemp) X(mkfifo) X(mkfifoat) X(mknod) X(mknodat) X(symlink) X(symlinkat)         \
	X(link) X(linkat) X(rename) X(renameat) X(unlink) X(unlinkat) X(rmdir) X(remove) X(truncate) X(chmod)    \
	X(fchmod) X(fchmodat) X(chown) X(lchown) X(fchown) X(fchownat) X(utime) X(utimes) X(lutimes)             \
	X(futimes) X(futimesat) X(futimens) X(utimensat) X(setxattr) X(lsetxattr) X(fsetxattr) X(removexattr)    \
	X(lremovexattr) X(fremovexattr)

#define TABLE_START(X)                                                                                       \
	X(execv) X(execve) X(execvp) X(execvpe) X(execl) X(execle) X(execlp) X(fexecve) X(posix_spawn)           \
	X(posix_spawnp) X(posix_spawn_file_actions_addopen) X(posix_spawn_file_actions_addchdir_np)              \
	X(posix_spawn_file_actions_addfchdir_np) X(system) X(popen) X(wordexp) X(dlopen) X(_exit) X(_Exit)

#define TABLE_WORLD(X)                                                                                       \
	X(getenv) X(secure_getenv) X(tempnam) X(fmtmsg) X(getdate) X(setlocale) X(newlocale) X(tzset) X(localtime) X(localtime_r) X(mktime)      \
	X(ctime) X(ctime_r) X(strftime) X(strftime_l) X(iconv_open) X(catopen) X(bindtextdomain) X(textdomain)   \
	X(getpwnam) X(getpwnam_r) X(getpwuid) X(getpwuid_r) X(getpwent) X(setpwent) X(getgrnam) X(getgrnam_r)    \
	X(getgrgid) X(getgrgid_r) X(getgrent) X(setgrent) X(getgrouplist) X(initgroups) X(getspnam)              \
	X(getservbyname) X(getservbyport) X(getprotobyname) X(getprotobynumber) X(getaddrinfo) X(getnameinfo)    \
	X(gethostbyname) X(gethostbyname2) X(gethostbyaddr) X(connect) X(bind) X(listen) X(sendto) X(sendmsg)    \
	X(chroot) X(unshare) X(setns) X(mount) X(umount) X(umount2)                                  \
	X(time) X(gettimeofday) X(clock_gettime) X(timespec_get) X(getrandom) X(getentropy) X(getpid)            \
	X(syscall) X(prctl)

#define SHIM_TABLE(X)                                                                                        \
	TABLE_OPEN(X) TABLE_LOOK(X) TABLE_LIST(X) TABLE_CHANGE(X) TABLE_START(X) TABLE_WORLD(X) TABLE_LIBC(X)

#endif
