#include "watcher/call.h"

#include "shim/wire.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers there may be. */
enum {
	CALL_fchmodat2 = 452,
	CALL_setxattrat = 463,
	CALL_getxattrat,
	CALL_listxattrat,
	CALL_removexattrat,
	CALL_open_tree_attr
};

#define LOOKS(at, path, flags, fixed)                 \
	{                                                 \
		tell_stat, at, path, flags, fixed, 0, 0, NULL \
	}
#define MAKES(at, path, detail)                            \
	{                                                      \
		tell_make, at, path, CALL_NONE, detail, 0, 0, NULL \
	}
#define CHANGES(at, path, flags, fixed)                 \
	{                                                   \
		tell_change, at, path, flags, fixed, 0, 0, NULL \
	}
#define CHANGES_OPEN                                                    \
	{                                                                   \
		tell_change_open, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, NULL \
	}
#define REASON(words)                                               \
	{                                                               \
		tell_reason, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, words \
	}
#define MOVES(words)                                               \
	{                                                              \
		tell_moved, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, words \
	}
#define MOUNTS MOVES("changed what is mounted")
/* `fixed`: a user or a group; `path`: so many arguments name it, none: always another. */
#define IDENTITY(kind, count)                                                        \
	{                                                                                \
		tell_identity, CALL_CWD, count, CALL_NONE, kind, 0, 0, "changed who runs it" \
	}
#define IPC                                                     \
	{                                                           \
		tell_ipc, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, NULL \
	}

static const struct call calls[] = {
    /* at, path, flags, fixed, at2, path2, why */
    [SYS_open] = {tell_open, CALL_CWD, 0, 1, 0, 0, 0, NULL},
    [SYS_openat] = {tell_open, 0, 1, 2, 0, 0, 0, NULL},
    [SYS_openat2] = {tell_open_how, 0, 1, CALL_NONE, 0, 0, 0, NULL},
    [SYS_creat] = {tell_open, CALL_CWD, 0, CALL_NONE, O_CREAT | O_WRONLY | O_TRUNC, 0, 0, NULL},

    [SYS_stat] = LOOKS(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_lstat] = LOOKS(CALL_CWD, 0, CALL_NONE, AT_SYMLINK_NOFOLLOW),
    [SYS_newfstatat] = LOOKS(0, 1, 3, 0),
    [SYS_statx] = {tell_statx, 0, 1, 2, 0, 0, 0, NULL},
    [SYS_statfs] = LOOKS(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_name_to_handle_at] = LOOKS(0, 1, CALL_NONE, AT_SYMLINK_NOFOLLOW),
    [SYS_inotify_add_watch] = LOOKS(CALL_CWD, 1, CALL_NONE, 0),
    [SYS_getxattr] = LOOKS(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_lgetxattr] = LOOKS(CALL_CWD, 0, CALL_NONE, AT_SYMLINK_NOFOLLOW),
    [SYS_listxattr] = LOOKS(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_llistxattr] = LOOKS(CALL_CWD, 0, CALL_NONE, AT_SYMLINK_NOFOLLOW),
    [CALL_getxattrat] = LOOKS(0, 1, 2, 0),
    [CALL_listxattrat] = LOOKS(0, 1, 2, 0),

    [SYS_access] = {tell_access, CALL_CWD, 0, CALL_NONE, 0, 0, 0, NULL},
    [SYS_faccessat] = {tell_access, 0, 1, CALL_NONE, 0, 0, 0, NULL},
    [SYS_faccessat2] = {tell_access, 0, 1, 3, 0, 0, 0, NULL},
    [SYS_chdir] = {tell_access, CALL_CWD, 0, CALL_NONE, X_OK, 0, 0, NULL},
    [SYS_readlink] = {tell_readlink, CALL_CWD, 0, CALL_NONE, 0, 0, 0, NULL},
    [SYS_readlinkat] = {tell_readlink, 0, 1, CALL_NONE, 0, 0, 0, NULL},
    [SYS_getdents] = {tell_list, 0, CALL_NONE, CALL_NONE, 0, 0, 0, NULL},
    [SYS_getdents64] = {tell_list, 0, CALL_NONE, CALL_NONE, 0, 0, 0, NULL},

    /* `fixed`: where the environment is */
    [SYS_execve] = {tell_exec, CALL_CWD, 0, CALL_NONE, 2, 0, 0, NULL},
    [SYS_execveat] = {tell_exec, 0, 1, 4, 3, 0, 0, NULL},

    [SYS_mkdir] = MAKES(CALL_CWD, 0, WIRE_MAKE_NEW),
    [SYS_mkdirat] = MAKES(0, 1, WIRE_MAKE_NEW),
    [SYS_mknod] = MAKES(CALL_CWD, 0, WIRE_MAKE_NEW),
    [SYS_mknodat] = MAKES(0, 1, WIRE_MAKE_NEW),
    [SYS_symlink] = MAKES(CALL_CWD, 1, WIRE_MAKE_LINK),
    [SYS_symlinkat] = MAKES(1, 2, WIRE_MAKE_LINK),
    [SYS_link] = {tell_link, CALL_CWD, 0, CALL_NONE, 0, CALL_CWD, 1, NULL},
    [SYS_linkat] = {tell_link, 0, 1, CALL_NONE, 0, 2, 3, NULL},
    [SYS_rename] = {tell_rename, CALL_CWD, 0, CALL_NONE, 0, CALL_CWD, 1, NULL},
    [SYS_renameat] = {tell_rename, 0, 1, CALL_NONE, 0, 2, 3, NULL},
    [SYS_renameat2] = {tell_rename, 0, 1, 4, 0, 2, 3, NULL},
    [SYS_unlink] = {tell_remove, CALL_CWD, 0, CALL_NONE, 0, 0, 0, NULL},
    [SYS_rmdir] = {tell_remove, CALL_CWD, 0, CALL_NONE, AT_REMOVEDIR, 0, 0, NULL},
    [SYS_unlinkat] = {tell_remove, 0, 1, 2, 0, 0, 0, NULL},

    [SYS_truncate] = CHANGES(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_chmod] = CHANGES(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_fchmod] = CHANGES_OPEN,
    [SYS_fchmodat] = CHANGES(0, 1, CALL_NONE, 0),
    [CALL_fchmodat2] = CHANGES(0, 1, 3, 0),
    [SYS_chown] = CHANGES(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_lchown] = CHANGES(CALL_CWD, 0, CALL_NONE, AT_SYMLINK_NOFOLLOW),
    [SYS_fchown] = CHANGES_OPEN,
    [SYS_fchownat] = CHANGES(0, 1, 4, 0),
    [SYS_utime] = CHANGES(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_utimes] = CHANGES(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_futimesat] = CHANGES(0, 1, CALL_NONE, 0),
    [SYS_utimensat] = CHANGES(0, 1, 3, 0),
    [SYS_setxattr] = CHANGES(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_lsetxattr] = CHANGES(CALL_CWD, 0, CALL_NONE, AT_SYMLINK_NOFOLLOW),
    [SYS_fsetxattr] = CHANGES_OPEN,
    [SYS_removexattr] = CHANGES(CALL_CWD, 0, CALL_NONE, 0),
    [SYS_lremovexattr] = CHANGES(CALL_CWD, 0, CALL_NONE, AT_SYMLINK_NOFOLLOW),
    [SYS_fremovexattr] = CHANGES_OPEN,
    [CALL_setxattrat] = CHANGES(0, 1, 2, 0),
    [CALL_removexattrat] = CHANGES(0, 1, 2, 0),

    /* `path`: where the address is; `fixed`: its name is a new one */
    [SYS_connect] = {tell_address, CALL_CWD, 1, CALL_NONE, 0, 0, 0, NULL},
    [SYS_bind] = {tell_address, CALL_CWD, 1, CALL_NONE, O_CREAT, 0, 0, NULL},
    [SYS_sendto] = {tell_address, CALL_CWD, 4, CALL_NONE, 0, 0, 0, NULL},
    [SYS_sendmsg] = {tell_message, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, NULL},
    [SYS_sendmmsg] = {tell_messages, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, NULL},

    [SYS_mount] = MOUNTS,
    [SYS_umount2] = MOUNTS,
    [SYS_open_tree] = MOUNTS,
    [CALL_open_tree_attr] = MOUNTS,
    [SYS_move_mount] = MOUNTS,
    [SYS_fsopen] = MOUNTS,
    [SYS_fspick] = MOUNTS,
    [SYS_mount_setattr] = MOUNTS,
    [SYS_chroot] = MOVES("changed its root directory"),
    [SYS_pivot_root] = MOVES("changed its root directory"),
    [SYS_setns] = MOVES("entered another namespace"),
    [SYS_unshare] = {tell_clone, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, "entered another namespace"},
    [SYS_clone] = {tell_clone, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, "entered another namespace"},
    [SYS_clone3] = {tell_clone, CALL_CWD, CALL_NONE, CALL_NONE, 1, 0, 0, "entered another namespace"},

    [SYS_setuid] = IDENTITY('u', 1),
    [SYS_setreuid] = IDENTITY('u', 2),
    [SYS_setresuid] = IDENTITY('u', 3),
    [SYS_setfsuid] = IDENTITY('u', 1),
    [SYS_setgid] = IDENTITY('g', 1),
    [SYS_setregid] = IDENTITY('g', 2),
    [SYS_setresgid] = IDENTITY('g', 3),
    [SYS_setfsgid] = IDENTITY('g', 1),
    [SYS_setgroups] = IDENTITY('g', 0),
    [SYS_capset] = IDENTITY('u', 0),

    [SYS_getrandom] = {tell_random, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, NULL},
    [SYS_io_uring_setup] = REASON("used io_uring"),
    [SYS_open_by_handle_at] = REASON("opened a file by its handle"),
    [SYS_ptrace] = {tell_trace, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, "traced another process"},
    [SYS_process_vm_readv] = REASON("looked into another process"),
    [SYS_process_vm_writev] = REASON("wrote into another process"),
    [SYS_pidfd_getfd] = REASON("took a descriptor of another process"),
    [SYS_shmget] = IPC,
    [SYS_msgget] = IPC,
    [SYS_semget] = IPC,
    [SYS_mq_open] = REASON("talked to another process"),
    [SYS_seccomp] = {tell_filter, CALL_CWD, CALL_NONE, CALL_NONE, 0, 0, 0, NULL},
};

int call_end(void)
{
	return sizeof calls / sizeof *calls;
}

const struct call *call_find(int number)
{
	return number >= 0 && number < call_end() && calls[number].tell ? &calls[number] : NULL;
}
