/* What glibc has besides: see ../table.h. Functions of old that it keeps for old
 * programs, those that _FORTIFY_SOURCE leads to, and its doubles for large files. */
#ifndef DPC_SHIM_LIBC_TABLE_H
#define DPC_SHIM_LIBC_TABLE_H

#define TABLE_LIBC(X)                                                                                        \
	X(__open) X(__open64) X(open64) X(openat64) X(creat64) X(__open_2) X(__open64_2) X(__openat_2)           \
	X(__openat64_2) X(fopen64) X(freopen64) X(mkstemp64) X(mkostemp64) X(mkstemps64) X(mkostemps64)          \
	X(__mq_open_2) X(setmntent) X(__setmntent)                                                               \
	X(stat64) X(lstat64) X(fstatat64) X(statx) X(__xstat) X(__xstat64) X(__lxstat) X(__lxstat64)             \
	X(__fxstatat) X(__fxstatat64) X(__readlink_chk) X(__readlinkat_chk) X(__realpath_chk)                    \
	X(canonicalize_file_name) X(statfs64) X(__statfs) X(statvfs64)                                           \
	X(name_to_handle_at) X(open_by_handle_at)                                                                \
	X(scandir64) X(scandirat) X(scandirat64) X(getdents64) X(glob64) X(ftw64) X(nftw64) X(fts_open)          \
	X(fts_read) X(fts_children) X(fts64_open) X(fts64_read) X(fts64_children)                                \
	X(__xmknod) X(__xmknodat) X(truncate64) X(renameat2) X(lchmod)                                           \
	X(execveat) X(dlmopen) X(argp_parse) X(argp_help) X(getdate_r)                                     \
	X(__secure_getenv) X(__newlocale) X(timelocal)                                    \
	X(__strftime_l) X(wcsftime) X(wcsftime_l) X(__wcsftime_l)                                                \
	X(getpwent_r) X(getgrent_r) X(getpw) X(getspnam_r) X(getspent)                                           \
	X(getservbyname_r) X(getservbyport_r) X(getservent)                                                      \
	X(gethostbyname_r) X(gethostbyname2_r) X(gethostbyaddr_r) X(getaddrinfo_a) X(__connect) X(sendmmsg)                  \
	X(pivot_root) X(fsopen) X(open_tree) X(move_mount)                                                       \
	X(__gettimeofday) X(__getpid) X(arc4random) X(arc4random_buf) X(arc4random_uniform)

#endif
