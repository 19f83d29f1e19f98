#!/usr/bin/env bats

# dpcache-watcher alone: what it writes into the log, and that the program does not
# notice it.

load helpers

compile() { # NAME OPTION...
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O1 -w "${@:2}" -iquote "$ROOT/lib" "$ROOT/tests/watcher/$1.c" -o "$TOOLS/$1"
}

setup_file() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	TOOLS=$BATS_FILE_TMPDIR
	compile watch
	compile deeds -static
	compile be -static -pthread
}

setup() {
	common_setup
	export WATCHER=$BUILD/dpcache-watcher
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	PATH=$BATS_FILE_TMPDIR:$PATH
	DEEDS=$BATS_FILE_TMPDIR/deeds
	BE=$BATS_FILE_TMPDIR/be
}

# COMMAND, with LOG in it, where dpcache would run it; what it made known is in "log".
traced() {
	timeout 300 watch log "$@" 3>&-
}

watched() { # PROGRAM [ARG...]
	traced "$WATCHER" LOG "$1" "$@"
}

# The deeds have these records, and no others; paths here without their directory.
# A word of them is one argument.
assert_told() { # DEEDS RECORD...
	local deeds
	read -ra deeds <<<"$1"
	watched "$DEEDS" "${deeds[@]}" >/dev/null
	shift
	assert_equal "$(sed -e 's|'"$PWD"'/*||' -e '/^hello/d' -e '/^environment/d' -e '/^execs/d' log)" \
		"$(if (($#)); then printf '%s\n' "$@"; fi)"
}

assert_balanced() { # COUNT
	assert_equal "$(tail -n 1 log | cut -d ' ' -f 1-6)" "execs $1 hellos $1 lost 0"
}

# Watched it prints and returns what it does unwatched.
assert_unnoticed() { # PROGRAM [ARG...]
	local plain
	run "$@" 3>&-
	plain="$status: $output"
	run watched "$@"
	assert_equal "$status: $output" "$plain"
}

plant() {
	echo text >file
	ln -s file link
	mkdir dir full
	touch full/name
}

# --- what is told ---

@test "a program says hello, and that its environment was not watched" {
	watched "$DEEDS"
	run head -n 2 log
	assert_output "hello 0 0 $DEEDS
environment 0 0 $DEEDS"
	assert_balanced 1
}

@test "opening: present, absent, by each call there is" {
	plant
	assert_told 'open file , open none' 'open 0 1 file' 'open ENOENT 1 none'
	assert_told 'old-open file' 'open 0 1 file'
	assert_told 'openat2 file' 'open 0 1 file'
	assert_told 'open /etc/passwd' 'open 0 1 /etc/passwd'
}

@test "opening what is not of the kind that is asked for" {
	plant
	assert_told 'nofollow link , nofollow file' 'open ELOOP 21 link' 'open 0 21 file'
	assert_told 'directory file , directory dir' 'open ENOTDIR 10 file' 'open 0 10 dir'
}

@test "a file opened only to ask about it counts as asked about" {
	plant
	assert_told 'path file' 'open 0 10 file' 'stat 0 0 file'
}

@test "opening to write: what was there, and what comes into being" {
	plant
	assert_told 'write file , write none' 'open 0 2 file' 'open ENOENT 2 none'
	assert_told 'truncate-open file' 'open 0 6 file'
	assert_told 'create file , create new' 'open 0 2 file' 'open 0 a new'
	assert_told 'exclusive file , exclusive newer' 'open EEXIST 43 file' 'open 0 4b newer'
	assert_told 'write dir , truncate-open dir , create dir' 'open EISDIR 2 dir' 'open EISDIR 6 dir'
	assert_told 'creat file , creat none/new' 'open 0 6 file' 'open ENOENT 6 none/new'
}

@test "asking about a file: by each call there is" {
	plant
	assert_told 'stat file , stat none' 'stat 0 0 file' 'stat ENOENT 0 none'
	assert_told 'lstat link' 'stat 0 1 link'
	assert_told 'fstatat file' 'stat 0 0 file'
	assert_told 'type file' 'stat 0 2 file'
	assert_told 'xattr file' 'stat 0 0 file'
	assert_told 'access file , access none' 'access 0 0 file' 'access ENOENT 0 none'
	assert_told 'write-access file' 'access 0 0 file'
}

@test "a relative path is one of where the program is" {
	plant
	assert_told 'chdir full , open name , open ../file' 'access 0 0 full' 'open 0 1 full/name' 'open 0 1 full/../file'
}

@test "symbolic links and directories that are read" {
	plant
	assert_told 'readlink link , readlink file' 'readlink 0 0 link' 'readlink EINVAL 0 file'
	assert_told 'list dir' 'open 0 10 dir' 'list 0 0 dir'
}

@test "new names" {
	plant
	assert_told 'mkdir dir , mkdir none/new , mkdir new' 'make EEXIST 0 dir' 'make ENOENT 0 none/new' 'make 0 0 new'
	assert_told 'mkfifo fifo , symlink x sym' 'make 0 0 fifo' 'make 0 2 sym'
	assert_told 'link file hard' 'open 0 21 file' 'make 0 0 hard'
	assert_told 'link dir other' 'open 0 21 dir' 'make EPERM 0 other'
}

@test "a name that becomes another" {
	plant
	assert_told 'rename file new' 'remove 0 1 file' 'make 0 1 new'
	assert_told 'rename none x' 'remove ENOENT 1 none' 'make ENOENT 1 x'
	assert_told 'rename-new new link' 'remove EEXIST 1 new' 'make EEXIST 1 link'
	assert_told 'rename new dir' 'remove EISDIR 1 new' 'make EISDIR 1 dir'
	assert_told 'rename dir full' 'remove ENOTEMPTY 1 dir' 'make ENOTEMPTY 1 full'
}

@test "a name that would leave its file system" {
	plant
	assert_told 'rename file /proc/file' 'remove EXDEV 1 file' 'make EXDEV 1 /proc/file'
	assert_told 'link file /proc/file' 'open 0 21 file' 'make EXDEV 0 /proc/file'
}

@test "names that are taken away" {
	plant
	assert_told 'unlink none , unlink dir , unlink link' 'remove ENOENT 0 none' 'remove EISDIR 0 dir' 'remove 0 0 link'
	assert_told 'rmdir file , rmdir full , rmdir dir' 'remove ENOTDIR 0 file' 'remove ENOTEMPTY 0 full' 'remove 0 0 dir'
}

@test "changes of what a name stands for" {
	plant
	for deed in truncate chmod utimes; do assert_told "$deed file" 'change 0 0 file'; done
	assert_told 'lchown link' 'change 0 0 link'
	for deed in fchmod futimes; do assert_told "$deed file" 'open 0 1 file' 'change 0 0 file'; done
}

@test "the network, and other processes" {
	for deed in connect bind sendto sendmsg; do assert_told $deed 'uncacheable 0 0 used the network'; done
	assert_told 'talk none' 'stat ENOENT 0 none'
	assert_told 'listen socket' 'make 0 0 socket'
	assert_told 'talk socket' 'uncacheable 0 0 talked to another process'
}

@test "ways out of what can be watched" {
	assert_told mount 'uncacheable 0 0 changed what is mounted'
	assert_told 'chroot none' 'uncacheable 0 0 changed its root directory'
	assert_told unshare 'uncacheable 0 0 entered another namespace'
	assert_told unshare-files
	assert_told io_uring 'uncacheable 0 0 used io_uring'
	assert_told poke 'uncacheable 0 0 wrote into another process'
	assert_told trace 'uncacheable 0 0 traced another process'
	assert_told setuid-other 'uncacheable 0 0 changed who runs it'
	assert_told setuid
}

@test "random numbers are noted, but not those that every malloc takes" {
	watched "$DEEDS" random >/dev/null
	assert_equal "$(tail -n 1 log)" 'execs 1 hellos 1 lost 0 notes 2'
	watched /bin/true
	assert_equal "$(tail -n 1 log)" 'execs 1 hellos 1 lost 0 notes 0'
}

@test "a call that is made again is told once" {
	plant
	assert_told 'stat file , stat file , stat none , stat file' 'stat 0 0 file' 'stat ENOENT 0 none'
}

@test "what a program finds of itself below /proc has the same name in each run" {
	assert_told 'stat /proc/self/status , stat /proc/self/none' 'stat 0 0 /proc/self/status' 'stat ENOENT 0 /proc/self/none'
	# shellcheck disable=SC2016  # for the inner shell
	watched /bin/sh -c 'read -r line </proc/$$/stat'
	grep -qx 'open 0 1 /proc/self/stat' log
}

@test "descriptors of the program's, by name: not those of who watches" {
	exec 7<"$BATS_TEST_FILENAME"
	assert_told 'open /dev/fd/7 , open /proc/self/fd/77' 'open 0 1 /dev/fd/7' 'open ENOENT 1 /proc/self/fd/77'
	exec 7<&-
}

# --- executing ---

@test "what a watched program executes is watched, and counted" {
	watched "$DEEDS" exec /bin/cat /etc/hostname >/dev/null
	assert_balanced 2
	grep -qx 'exec 0 1 /bin/cat' log
	grep -qx 'hello 0 0 /bin/cat' log
	grep -qx 'environment 0 0 /bin/cat' log
	grep -qx 'open 0 1 /etc/hostname' log
}

@test "what the kernel loads for a program is told" {
	watched /bin/true
	grep -qx 'library 0 0 /lib64/ld-linux-x86-64.so.2' log
}

@test "an execution that fails is taken back" {
	touch plain
	watched "$DEEDS" exec "$PWD/none" , exec "$PWD/plain" , exec "$PWD" >/dev/null
	assert_balanced 1
	grep -qx "exec-failed ENOENT 0 $PWD/none" log
	grep -qx "exec-failed EACCES 0 $PWD/plain" log
	grep -qx "exec-failed EACCES 0 $PWD" log
}

@test "a script: the program that runs is its interpreter, and it was read" {
	printf '#!/bin/sh -e\necho "<$1>"\n' >script
	chmod +x script
	run watched ./script argument
	assert_output '<argument>'
	grep -qx 'hello 0 0 /bin/sh' log
	grep -qx "open 0 1 $PWD/./script" log
	assert_balanced 1
}

@test "a script without an interpreter's name is the shell's" {
	echo 'echo "<$1>"' >script
	chmod +x script
	run watched ./script argument
	assert_output '<argument>'
	assert_balanced 2
}

@test "a program that cannot be executed: the counts do not agree" {
	run -127 watched ./none
	run tail -n 1 log
	assert_output 'execs 1 hellos 0 lost 0 notes 0'
}

@test "what runs with rights of its own makes a result uncacheable" {
	cp "$DEEDS" own
	chown 12345 own 2>/dev/null || skip 'needs root'
	chmod u+s own
	watched "$DEEDS" exec "$PWD/own" >/dev/null
	grep -qx 'uncacheable 0 0 executed a program that has rights of its own' log
}

@test "without any log, the program runs all the same, and sees no trace of it" {
	DPCACHE_TRACE=x run "$WATCHER" /none /bin/sh sh -c 'echo "<${DPCACHE_TRACE-}>"'
	assert_success
	assert_output '<>'
}

@test "a watcher below another knows that it is watched already" {
	# shellcheck disable=SC2016  # for the inner shell
	traced "$WATCHER" LOG /bin/sh sh -c '"$WATCHER" "$1" "$2" deeds open /etc/passwd' sh LOG "$DEEDS"
	# Whoever called it has counted it, as the shim does: here, nobody.
	run tail -n 1 log
	assert_output 'execs 2 hellos 3 lost 0 notes 0'
	grep -qx 'open 0 1 /etc/passwd' log
	run grep "$WATCHER" log
	assert_output ''
}

@test "strict: whoever has the shim tells of its variables itself" {
	gcc -shared -o shim.so -x c /dev/null
	timeout 60 watch -s "$PWD/shim.so" log "$WATCHER" LOG /bin/true true 3>&-
	run grep -c -e environment -e shim.so log
	assert_output 0
	# The shim's own hello is missing here.
	run tail -n 1 log
	assert_output 'execs 2 hellos 1 lost 0 notes 0'
}

@test "strict: a program without it does not" {
	gcc -shared -o shim.so -x c /dev/null
	timeout 60 watch -s "$PWD/shim.so" log "$WATCHER" LOG "$DEEDS" deeds 3>&-
	assert_balanced 1
	grep -qx "environment 0 0 $DEEDS" log
}

# --- not to be noticed ---

@test "output, status and arguments are the program's" {
	assert_unnoticed /bin/sh -c 'echo "$0 $*"; echo err >&2; exit 3' a b
	assert_unnoticed "$DEEDS" open /etc/passwd , open none , mkdir /proc/x
}

@test "a static program of musl's" {
	musl-gcc -static -w -o little -x c - <<-'C'
		#include <stdio.h>
		int main(void)
		{
			return !fopen("/etc/passwd", "r");
		}
	C
	assert_unnoticed ./little
	grep -qx 'open 0 1 /etc/passwd' log
}

@test "a program with AddressSanitizer" {
	clang -fsanitize=address -w -o sane -x c - <<-'C'
		#include <stdio.h>
		int main(void)
		{
			return !fopen("/etc/passwd", "r");
		}
	C
	unset ASAN_OPTIONS
	assert_unnoticed ./sane
	grep -qx 'open 0 1 /etc/passwd' log
	run grep uncacheable log
	assert_output ''
}

@test "it has no child that it did not make, and no signal" {
	assert_unnoticed "$BE" alone
}

@test "it has no descriptor more, and none less" {
	assert_unnoticed "$BE" descriptors
}

@test "signals blocked, pending and ignored stay so, and a reaper of orphans gets none" {
	run "$BE" odd "$BE" as-odd
	local plain=$output
	run traced "$BE" odd "$WATCHER" LOG "$BE" be as-odd
	assert_output "$plain"
	assert_balanced 1
}

@test "a file lock outlives becoming the program" {
	run traced "$BE" hold lock "$WATCHER" LOG "$BE" be probe lock
	assert_output 'held by its parent: 1'
	assert_balanced 1
}

@test "room for four descriptors is enough" {
	# shellcheck disable=SC2016  # for the inner shell
	run traced bash -c 'for fd in /proc/self/fd/*; do fd=${fd##*/}; ((fd < 3)) || eval "exec $fd>&-"; done
		ulimit -n 4; exec "$WATCHER" "$@"' bash LOG "$DEEDS" deeds open /etc/passwd
	assert_output 'open 0'
	assert_balanced 1
}

@test "a reader of its output sees the end as soon as the program is gone" {
	mkfifo go
	# Whoever is left keeps the supervisor, but not the pipe.
	# shellcheck disable=SC2016  # for the inner shell
	start left traced "$WATCHER" LOG /bin/sh sh -c 'sh -c "read -r line" <go >/dev/null 2>&1 & echo done' sh
	run cat <(traced "$WATCHER" LOG /bin/echo echo text)
	assert_output text
	echo >go
	finish left
	assert_equal "$(<left.out)" "done"
}

@test "ten thousand processes, one after the other" {
	run watched "$BE" forks 10000
	assert_output 10000
}

@test "three hundred at once" {
	run watched "$BE" storm 300
	assert_output 300
}

@test "threads" {
	assert_unnoticed "$BE" threads
}

@test "vfork" {
	assert_unnoticed "$BE" vforked /bin/sh -c 'exit 7'
	assert_balanced 2
}

@test "a signal handled with SA_RESTART breaks off no look-up" {
	assert_unnoticed "$BE" interrupted
}

@test "a program with a filter of its own" {
	assert_unnoticed "$BE" filtered
}

@test "a program that closes all descriptors" {
	watched "$DEEDS" close-all , open /etc/passwd || true
	grep -qx 'open 0 1 /etc/passwd' log
}

@test "stopped and continued" {
	start one watched "$BE" stopped
	is_stopped() {
		pid=$(head -n 1 one.out) && [ -n "$pid" ] && grep -q '^State:.*stopped' "/proc/$pid/status"
	}
	wait_until is_stopped
	kill -CONT "$pid"
	finish one
	assert_equal "$(tail -n 1 one.out)" continued
}

@test "killed: what it did until then is told" {
	run watched "$BE" killed /etc/passwd
	assert_failure 137
	grep -qx 'open 0 1 /etc/passwd' log
	assert_balanced 1
}

@test "without the right to do it otherwise, under no_new_privs" {
	((EUID == 0)) || skip 'needs root'
	run traced setpriv --bounding-set -sys_admin "$WATCHER" LOG /bin/grep grep NoNewPrivs: /proc/self/status
	assert_output --regexp '1$'
	assert_balanced 1
	run watched /bin/grep NoNewPrivs: /proc/self/status
	assert_output --regexp '0$'
}

@test "what would lose its rights by that runs unwatched" {
	((EUID == 0)) || skip 'needs root'
	cp "$DEEDS" own
	chown 12345 own
	chmod u+s own
	run traced "$WATCHER" LOG ./own own open /etc/passwd
	assert_output 'open 0'
	run cat log
	assert_output 'execs 1 hellos 0 lost 0 notes 0'
}

@test "at the head of a process namespace it is not watched, and its children can be born" {
	((EUID == 0)) || skip 'needs root'
	# shellcheck disable=SC2016  # for the inner shell
	run traced unshare --pid "$WATCHER" LOG "$BE" be forks 1
	local plain
	plain=$(unshare --pid "$BE" forks 1)
	assert_output "$plain"
	run tail -n 1 log
	assert_output 'execs 1 hellos 0 lost 0 notes 0'
}

@test "make install puts it beside the core" {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" -o all BUILD="$BUILD" install PREFIX="$PWD/prefix" 3>&-
	assert_exists prefix/libexec/dpcache/dpcache-watcher
}
