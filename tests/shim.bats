#!/usr/bin/env bats
# The library that `dpcache run --trace` has loaded into every program: what it writes
# of their calls, and that nothing else shows of it.
# shellcheck disable=SC2016,SC2154 # scripts in quotes; stderr is set by run

load helpers

setup_file() {
	local root=$BATS_TEST_DIRNAME/..
	local flags=(-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -iquote "$root/lib")
	gcc "${flags[@]}" -o "$BATS_FILE_TMPDIR/watch" "$root/tests/shim/watch.c"
	gcc "${flags[@]}" -o "$BATS_FILE_TMPDIR/calls" "$root/tests/shim/calls.c"
}

setup() {
	common_setup
	SHIM=$BUILD/dpcache-shim.so
	PATH=$BATS_FILE_TMPDIR:$PATH
	LOG=$BATS_TEST_TMPDIR/log
	unset LD_PRELOAD LD_LIBRARY_PATH LANGUAGE
	export LC_ALL=C
	# The name of the directory as the kernel has it.
	cd "$(pwd -P)" || return
}

# watched COMMAND...: traced; what it says goes to $LOG.
watched() {
	watch -l "$LOG" "$SHIM" "$@"
}

# assert_logged RECORD: "kind detail errno path". A "." in front of the path stands for
# the working directory.
assert_logged() {
	local record=${1/ .\// $PWD/}
	grep -qxF -- "$record" "$LOG" || fail "not logged: $record; but: $(grep -v ' /lib' "$LOG")"
}

refute_logged() { # PATTERN
	! grep -E -- "$1" "$LOG" || fail "logged: $1"
}

assert_balanced() { # [PROGRAMS]
	grep -q "^balanced ${1-[0-9]* }" "$LOG" || fail "$(tail -n 1 "$LOG")"
	grep -qx 'lost 0' "$LOG"
	refute_logged '^unfinished'
}

# same COMMAND...: prints and ends the same, traced and not, and all its programs are
# watched.
same() {
	local plain=0 traced=0
	"$@" >plain.out 2>plain.err </dev/null || plain=$?
	watched "$@" >traced.out 2>traced.err </dev/null || traced=$?
	assert_equal "$traced" "$plain"
	cmp plain.out traced.out || fail "$(cat traced.out)"
	cmp plain.err traced.err || fail "$(cat traced.err)"
	assert_balanced
}

# --- the shim itself ---

@test "shim: it stands in front of exactly what its table says" {
	printf '#include "table.h"\nSHIM_TABLE(X)\n' |
		gcc -E -P -D'X(n)=@n@' -iquote "$ROOT/lib/shim" -iquote "$ROOT/lib/shim/glibc" - |
		grep -o '@ *[A-Za-z0-9_]* *@' | tr -d '@ ' | sort >table
	nm -D --defined-only "$SHIM" | awk '{ print $3 }' | sort >exported
	diff table exported
}

@test "shim: what it stands in front of is there in the C library" {
	local libc
	libc=$(ldd "$(command -v watch)" | awk '$1 ~ /^libc[.]so/ { print $3 }')
	nm -D --defined-only "$SHIM" | awk '{ print $3 }' | sort >exported
	nm -D --defined-only "$libc" | awk '{ sub("@.*", "", $3); print $3 }' | sort -u >there
	run -0 comm -23 exported there
	assert_output ''
}

@test "shim: the environment is what it is untraced" {
	same env -u _
	LD_PRELOAD='' same env -u _
}

@test "shim: a library that the user preloads stays where it was" {
	echo 'int own(void) { return 0; }' | gcc -shared -fPIC -x c -o own.so -
	LD_PRELOAD=$PWD/own.so same env -u _
	assert_logged 'library 0 0 ./own.so'
}

@test "shim: without a log it passes everything through in silence" {
	run -0 --separate-stderr env LD_PRELOAD="$SHIM" DPCACHE_TRACE=/nonexistent sh -c 'echo here; env'
	assert_line here
	refute_line --partial DPCACHE_TRACE
	assert_equal "$stderr" ''
}

@test "shim: a program says first what it is, and which libraries it has" {
	watched env >/dev/null
	assert_equal "$(head -n 1 "$LOG")" "hello 0 0 $(realpath "$(command -v env)")"
	grep -q '^library 0 0 /.*/libc.so.6$' "$LOG"
	grep -q '^environment 0 0 /.*/env$' "$LOG"
	refute_logged 'dpcache-shim'
}

@test "shim: a program that has no use for its environment does not say that it has" {
	watched ls >/dev/null
	refute_logged '^environment'
}

@test "shim: a program is named by the path that was executed, a script's interpreter by its own" {
	ln -s "$(command -v env)" link
	watched dash -c './link >/dev/null'
	assert_logged 'hello 1 0 ././link'
	assert_logged 'environment 1 0 ././link'
	printf '#!/bin/sh\n' >script
	chmod +x script
	watched dash -c 'exec 3<link; /proc/self/fd/3 >/dev/null; //dev/fd/3 >/dev/null'
	assert_equal "$(grep -c "^hello 0 0 $(realpath link)\$" "$LOG")" 2
	watched dash -c './script; cd /; "$0"/link >/dev/null' "$PWD"
	assert_equal "$(grep -c "^hello 0 0 $(realpath /bin/sh)\$" "$LOG")" 2
	assert_logged 'hello 1 0 ./link'
	assert_balanced '3 3'
}

@test "shim: all that a short program touches of its data is one page" {
	local begins ends
	begins=$(readelf -SW "$SHIM" | awk '$2 == ".init_array" { print $4 }')
	ends=$(readelf -SW "$SHIM" | awk '$2 == ".bss" { print $4, $6 }')
	assert_equal $((16#$begins % 4096)) 0
	((16#${ends% *} + 16#${ends#* } - 16#$begins <= 4096)) || fail "$begins to $ends"
}

@test "shim: what every program goes through lies within few pages" {
	local name
	for name in log_begin library_begin objects_next log_outcome rules_locale memcpy platform_environment; do
		[ "$((16#$(nm "$SHIM" | awk -v name="$name" '$3 == name { print $1 }')))" -le 40960 ] || fail "$name"
	done
	readelf -SW "$SHIM" | sed 's/^ *\[ *//' | awk '$2 == ".shim_rodata" { print $4 }' >address
	[ "$((16#$(<address)))" -le 20480 ]
}

@test "shim: what it calls at the start is its own" {
	run -1 grep -E 'JUMP_SLO.* (mem|str)(n?len|n?cmp|r?chr|cpy|move|set|c?spn)@' <(readelf -rW "$SHIM")
}

# --- one call each ---

@test "shim: opening" {
	echo >file
	ln -s file link
	watched calls open file
	assert_logged 'open 1 0 ./file'
	watched calls open-write file
	assert_logged 'open 2 0 ./file'
	watched calls open-truncate file
	assert_logged 'open 7 0 ./file'
	watched calls open-create file
	assert_logged 'open 2 0 ./file'
	watched calls open-create new
	assert_logged 'open 10 0 ./new'
	assert_equal "$(stat -c %a new)" 600
	watched calls open-exclusive newer
	assert_logged 'open 75 0 ./newer'
	run -1 watched calls open-exclusive file
	assert_logged 'open 67 17 ./file'
	run -1 watched calls open absent
	assert_logged 'open 1 2 ./absent'
	run -1 watched calls open-nofollow link
	assert_logged 'open 33 40 ./link'
	watched calls open-unnamed .
	assert_logged 'open 16 0 ./.'
	watched calls syscall file
	assert_logged 'open 1 0 ./file'
}

@test "shim: opening streams and temporary files" {
	echo >file
	watched calls fopen-r file
	assert_logged 'open 1 0 ./file'
	watched calls freopen file
	assert_logged 'open 1 0 ./file'
	watched calls fopen-a+ file
	assert_logged 'open 3 0 ./file'
	watched calls fopen-w file
	assert_logged 'open 6 0 ./file'
	watched calls fopen-w new
	assert_logged 'open 14 0 ./new'
	watched calls creat newer
	assert_logged 'open 14 0 ./newer'
	watched calls mkstemp >name
	assert_logged "open 75 0 ./$(cat name)"
}

@test "shim: paths that are relative to a directory" {
	mkdir dir
	echo >dir/file
	watched calls open-at dir file
	assert_logged 'open 1 0 ./dir/file'
	watched calls chdir dir file
	assert_logged 'open 1 0 ./dir/file'
}

@test "shim: looking" {
	echo >file
	ln -s file link
	watched calls stat link
	assert_logged 'stat 0 0 ./link'
	watched calls lstat link
	assert_logged 'stat 1 0 ./link'
	watched calls statx-type link
	assert_logged 'stat 2 0 ./link'
	run -1 watched calls stat absent
	assert_logged 'stat 0 2 ./absent'
	watched calls access file
	assert_logged 'access 0 0 ./file'
	watched calls readlink link
	assert_logged 'readlink 0 0 ./link'
	run -1 watched calls readlink file
	assert_logged 'stat 3 0 ./file'
	watched calls realpath link
	assert_logged 'realpath 0 0 ./link'
	run -1 watched calls getxattr file
	assert_logged 'stat 0 0 ./file'
}

@test "shim: listing" {
	mkdir -p dir/sub
	echo >dir/sub/file
	local call
	for call in opendir fdopendir getdents scandir; do
		watched calls "$call" dir
		assert_logged 'list 0 0 ./dir'
	done
	run -1 watched calls opendir absent
	assert_logged 'list 0 2 ./absent'
	watched calls glob 'dir/*/*'
	assert_logged 'list 0 0 ./dir'
	assert_logged 'list 0 0 ./dir/sub'
	watched calls nftw dir
	assert_logged 'list 0 0 ./dir/sub'
	assert_logged 'stat 1 0 ./dir/sub/file'
	watched calls fts dir
	assert_logged 'list 0 0 ./dir'
	grep -q '^stat . 0 .*sub/file$\|^stat . 0 .*/dir/sub/file$' "$LOG"
}

@test "shim: changing" {
	echo >file
	watched calls mkdir dir
	assert_logged 'make 0 0 ./dir'
	run -1 watched calls mkdir dir
	assert_logged 'make 0 17 ./dir'
	watched calls rmdir dir
	assert_logged 'remove 0 0 ./dir'
	watched calls symlink file link
	assert_logged 'make 2 0 ./link'
	watched calls link file hard
	assert_logged 'open 33 0 ./file'
	assert_logged 'make 0 0 ./hard'
	watched calls rename hard moved
	assert_logged 'remove 1 0 ./hard'
	assert_logged 'make 1 0 ./moved'
	watched calls unlink moved
	assert_logged 'remove 0 0 ./moved'
	local call
	for call in truncate chmod fchmod utimensat; do
		watched calls "$call" file
		assert_logged 'change 0 0 ./file'
	done
	watched calls bind socket
	assert_logged 'make 0 0 ./socket'
}

@test "shim: variables, time zones and what is another one each time" {
	FOO=1 watched calls getenv FOO
	assert_logged 'variable 0 0 FOO'
	assert_logged 'notes 0'
	watched calls time
	assert_logged 'notes 1'
	watched calls getpid
	assert_logged 'notes 4'
	watched calls monotonic
	assert_logged 'notes 0'
	TZ=Europe/Berlin watched calls localtime
	assert_logged 'variable 0 0 TZ'
	grep -q '^open 1 [0-9]* /usr/share/zoneinfo/Europe/Berlin$' "$LOG"
	run env -u TZ watch -l "$LOG" "$SHIM" calls localtime
	grep -q '^open 1 [0-9]* /etc/localtime$' "$LOG"
}

@test "shim: sockets" {
	watched calls connect-inet
	assert_logged 'uncacheable 0 0 used the network'
	run -1 watched calls connect-unix absent
	assert_logged 'access 0 2 ./absent'
	refute_logged uncacheable
}

# --- executing ---

@test "shim: every way of executing takes it along" {
	local call
	for call in execv execve execvp execvpe execl execlp execle fexecve execveat vfork spawn spawnp syscall-exec; do
		watched calls "$call" "$(command -v env)" A=1 env >out || fail "$call: $?"
		grep -qx A=1 out || fail "$call"
		run ! grep -q 'DPCACHE_TRACE\|LD_PRELOAD' out
		assert_balanced '3 3'
	done
	watched calls execve-bare /usr/bin/env
	assert_balanced '2 2'
}

# The largest number of arguments that an execve takes here.
most_arguments() {
	local most=1 more=100000 middle
	until [ $((more - most)) -eq 1 ]; do
		middle=$(((most + more) / 2))
		if calls execve-many "$middle"; then most=$middle; else more=$middle; fi
	done
	echo "$most"
}

@test "shim: what only just fits into the limit of arguments is executed without it" {
	local most how
	ulimit -s 1024
	most=$(most_arguments)
	for how in execve spawn; do
		watched calls "$how-many" "$most"
		assert_logged 'exec-failed 0 7 /bin/true' # E2BIG
		assert_logged 'exec 2 0 /bin/true'
		grep -q '^unbalanced 2 1$' "$LOG"
		run -1 watched calls "$how-many" $((most + 1))
		assert_balanced '1 1'
	done
}

@test "shim: a name is sought along PATH, and where it was not is logged" {
	mkdir bin
	printf '#!/bin/sh\necho "$@"\n' >bin/tool
	printf 'echo "no line $@"\n' >bin/bare
	chmod +x bin/tool bin/bare
	PATH=$PWD/absent:$PWD/bin:$PATH
	local call
	for call in execvp execlp spawnp; do
		run -0 watched calls "$call" tool a b
		assert_output 'a b'
		assert_logged 'access 0 2 ./absent/tool'
		assert_logged 'exec 0 0 ./bin/tool'
		assert_logged 'open 1 0 ./bin/tool'
		assert_logged 'access 0 0 /bin/sh'
		assert_balanced '2 2'
	done
	same calls execvp bare a b
	assert_logged 'open 1 0 ./bin/bare'
	same calls execvp no-such-tool
}

@test "shim: system and popen are what they are untraced" {
	same calls system 'echo to the shell; no-such-command; exit 3'
	assert_balanced '2 2'
	same calls system 'kill -TERM $$'
	same calls popen 'echo to the reader; env -u _; exit 4'
	assert_balanced '3 3'
	same awk 'BEGIN { "echo a" | getline x; print x; print "b" | "cat"; close("cat"); system("echo c; nope") }'
}

@test "shim: a static program and one of another kind are executed without it" {
	echo 'int main(void) { return 7; }' | gcc -static -x c -o static -
	run -7 watched calls execv ./static
	assert_output ''
	assert_logged 'exec 2 0 ././static'
	grep -q '^unbalanced 2 1' "$LOG"
	printf 'rubbish' >rubbish
	chmod +x rubbish
	same calls execv ./rubbish
	assert_logged 'exec-failed 0 8 ././rubbish'
}

@test "shim: what cannot be preloaded is given to the watcher" {
	echo 'int main(void) { return 7; }' | gcc -static -x c -o static -
	printf '#!/bin/sh\nshift\necho "$@"\n' >watcher
	chmod +x watcher
	run -0 watch -l "$LOG" -w "$PWD/watcher" "$SHIM" calls execv ./static a b
	assert_output './static ./static a b'
	assert_logged 'exec 1 0 ././static'
	# But for what would have failed: that it does as ever.
	head -c 64 static >short
	gcc -x c -Wl,--dynamic-linker=/nonexistent -o homeless - <<<'int main(void) { return 0; }'
	printf '#!%s/round\n' "$PWD" >round
	printf 'rubbish' >rubbish
	chmod +x rubbish short round
	chmod -x static
	local file
	for file in rubbish short homeless round static absent; do
		run -1 watch -l "$LOG" -w "$PWD/watcher" "$SHIM" calls execv "./$file"
		assert_output ''
		assert_balanced '1 1'
	done
}

@test "shim: a program with AddressSanitizer runs as it does untraced" {
	echo 'int main(void) { return 0; }' | gcc -fsanitize=address -x c -o asan -
	run -0 watched calls execv ./asan
	assert_output ''
	assert_logged 'exec 2 0 ././asan'
	if command -v clang >/dev/null; then
		echo 'int main(void) { return 0; }' | clang -fsanitize=address -x c -o asan -
		run -0 watched calls execv ./asan
		assert_output ''
		assert_logged 'exec 2 0 ././asan'
	fi
}

@test "shim: a library is found along its caller's path" {
	mkdir lib
	echo 'int there(void) { return 0; }' | gcc -shared -fPIC -x c -o lib/libthere.so -
	gcc -std=gnu11 -D_GNU_SOURCE -iquote "$ROOT/lib" -Wl,-rpath,'$ORIGIN/lib' -o loader "$ROOT/tests/shim/calls.c"
	same ./loader dlopen libthere.so
	assert_logged 'library 0 0 ./lib/libthere.so'
	assert_logged 'list 0 0 ./lib'
	refute_logged '^uncacheable'
	gcc -std=gnu11 -D_GNU_SOURCE -iquote "$ROOT/lib" -Wl,-rpath,'$ORIGIN/$LIB:$ORIGIN/lib' -o loader "$ROOT/tests/shim/calls.c"
	same ./loader dlopen libthere.so
	assert_logged 'uncacheable 0 0 ran a program with a library path that cannot be followed'
	same calls dlopen ./lib/libthere.so
	assert_logged 'library 0 0 ././lib/libthere.so'
	same calls dlopen libthere.so
	grep -q '^open 1 2 /lib/libthere.so$' "$LOG"
}

@test "shim: a library is missed where it was sought first" {
	mkdir first
	LD_LIBRARY_PATH=$PWD/first watched calls stat /
	assert_logged 'open 1 2 ./first/libc.so.6'
	refute_logged '^list'
}

@test "shim: programs of the other C library are watched by a shim of its own" {
	[ -e "$BUILD/dpcache-shim-musl.so" ] || skip 'built without musl-gcc'
	printf '%s\n' '#include <stdio.h>' '#include <unistd.h>' \
		'int main(void) { fopen("some file", "r"); return execl("/bin/sh", "sh", "-c", "env", NULL); }' |
		musl-gcc -x c -o musl -
	watch -l "$LOG" -m "$BUILD/dpcache-shim-musl.so" "$SHIM" calls execv ./musl >out
	run ! grep -q 'DPCACHE_TRACE\|LD_PRELOAD' out
	assert_logged 'open 1 2 ./some file'
	assert_balanced '4 4'
}

# --- adversity ---

@test "shim: bad pointers are the kernel's affair" {
	watched calls fault
	assert_balanced '1 1'
}

@test "shim: closing all descriptors harms neither the log nor the files" {
	watched calls close-all
	local i
	for i in {0..63}; do
		assert_equal "$(cat "out$i")" "out$i"
		assert_logged "open 10 0 ./out$i"
	done
}

@test "shim: one descriptor is enough" {
	run -0 watched bash -c 'exec 3>&- 4>&-; ulimit -n 4; exec env'
	assert_balanced '2 2'
}

@test "shim: what was said once is not said again" {
	watched dash -c 'test -f here; test -f here; test -f there; test -f here; true'
	assert_equal "$(grep -c '/here$' "$LOG")" 1
	assert_equal "$(grep -c '/there$' "$LOG")" 1
}

# times RECORD: how often it stands in the log; as for assert_logged.
times() {
	grep -cxF -- "${1/ .\// $PWD/}" "$LOG" || true
}

@test "shim: what one process has said is not said again by another" {
	echo text >file
	watched sh -c 'cat file; cat file; cat file >copy; cat copy' >/dev/null
	assert_equal "$(times 'open 1 0 ./file')" 1
	assert_equal "$(times "library 0 0 /lib/x86_64-linux-gnu/libc.so.6")" 1
	# But for what makes or changes files, and that it is there.
	assert_equal "$(times "hello 1 0 $(command -v cat)")" 4
	assert_balanced 5
}

@test "shim: once the command has made links, each process says what it sees" {
	echo text >file
	watched sh -c 'ln -s file link; cat file; cat file' >/dev/null
	assert_equal "$(times 'open 1 0 ./file')" 2
	watched sh -c 'cat file; ln -s file link2; cat file; cat file' >/dev/null
	assert_equal "$(times 'open 1 0 ./file')" 3
}

# How often the kernel is asked, besides by the C library, for files of the locale.
asked_for_locale() { # COMMAND...
	LC_ALL=C.UTF-8 strace -f -e trace=faccessat -o calls watch -l "$LOG" "$SHIM" "$@"
	grep -cE '"/usr/(share|lib)/locale/' calls
}

@test "shim: of files that the C library reads by itself the kernel is asked once in a run" {
	local once
	once=$(asked_for_locale sh -c 'cat /dev/null; exit')
	assert [ "$once" -gt 0 ]
	assert_equal "$(asked_for_locale sh -c 'cat /dev/null; cat /dev/null; exit')" "$once"
}

@test "shim: threads lose no record" {
	watched calls threads
	assert_equal "$(grep -c '^open 1 2 /absent/' "$LOG")" 4000
}

@test "shim: hostile names" {
	local long
	long=$(printf 'x%.0s' {1..255})
	mkdir -p "$long"
	echo >"$long/new
line"
	watched calls open "$long/new
line"
	assert_logged "open 1 0 ./$long/new\\nline"
	run -1 watched calls open "$(printf '/x%.0s' {1..3000})"
	refute_logged '^open'
	run -1 watched calls open ''
	refute_logged '^open'
}

# --- real programs ---

@test "shim: shells, make and git say the same" {
	echo 'all: ; @echo made; ls; $(MAKE) -s -f $(firstword $(MAKEFILE_LIST)) more
more: ; @cat mk | wc -l' >mk
	same bash -c 'for i in 1 2; do (echo $i; ls /); done | sort; cat <(echo sub); false || nonexistent'
	same dash -c 'x=$(ls / | wc -l); echo $x; cat /nonexistent; exit 5'
	same make -s -f mk
	command -v git >/dev/null || skip 'no git here'
	git init -q repo
	echo text >repo/file
	same git -C repo add file
	same git -C repo -c user.name=a -c user.email=a@b status
}

@test "shim: perl and python say the same" {
	same perl -e 'print `echo a; exit 2`, $? >> 8, "\n"; system "true"; system("ls", "/"); print -e "/etc/passwd"'
	command -v python3 >/dev/null || skip 'no python here'
	same "$(python3 -c 'import sys; print(sys.executable)')" -c '
import os, subprocess, glob
print(subprocess.run(["sh", "-c", "echo a; exit 3"], capture_output=True))
print(os.popen("echo b").read(), os.system("exit 4"), sorted(os.listdir("/")), glob.glob("/etc/pass*"))
subprocess.run(["env"], env={"A": "1"}); print(sorted(os.environ))'
}

@test "shim: a compiler says the same" {
	echo 'int main(void) { return 0; }' >main.c
	echo 'int main(void) { return }' >broken.c
	same gcc -o main main.c
	assert_logged 'open 1 0 ./main.c'
	same gcc -o broken broken.c
}

# Both watch one run; what the kernel was asked for, the log must know.
assert_none_missed() { # COMMAND...
	rm -f seen.*
	strace -f -ff -y -e trace=%file,%process,fchdir,getdents64 -o seen watch -l "$LOG" "$SHIM" "$@" >/dev/null 2>&1
	assert_balanced
	run -0 "$ROOT/tests/shim/missed" seen "$LOG"
	assert_output --regexp '^[0-9]+$'
	[ "$output" -gt 5 ]
}

@test "shim: every path that strace sees is in the log" {
	mkdir dir
	touch dir/{a,b,c}
	ln -s dir link
	printf '%s\n' 'cat dir/a dir/none' 'ls dir' 'for f in dir/*; do test -f $f && sort $f; done' \
		'cp dir/a dir/d' 'sh -c "cat dir/d; no-such-command" | wc -l' 'find dir -name a' \
		'awk "BEGIN { system(\"cat dir/b\") }"' 'mv dir/d dir/e; rm dir/e' \
		'cd link; ls -l; cat a ../dir/b; realpath ../link/c; readlink ../link; rm $(mktemp ./XXXXXX)' >script
	assert_none_missed sh script
}

@test "shim: every path that strace sees of a compiler is in the log" {
	printf '#include "a.h"\nint main(void) { return A; }\n' >a.c
	echo '#define A 1' >a.h
	assert_none_missed gcc -o a a.c
}

@test "shim: every path that strace sees of a locale that is not there is in the log" {
	local name
	for name in xx_YY.UTF-8 xx_YY xx.ISO-8859-1; do
		assert_none_missed env LC_ALL=$name ls
	done
}

@test "shim: a locale is sought by each of its names" {
	local name
	LC_ALL=xx_YY.8859-1@zz watched ls >/dev/null
	for name in xx{_YY,}{.8859-1,.iso88591,}{@zz,}; do
		assert_logged "access 0 2 /usr/lib/locale/$name"
	done
}

@test "shim: every path that strace sees of a library that is loaded later is in the log" {
	mkdir deps
	echo 'int needed(void) { return 0; }' | gcc -shared -fPIC -x c -o deps/libneeded.so -
	echo 'int needed(void); int (*use)(void) = needed;' |
		gcc -shared -fPIC -x c -o plugin.so - -Ldeps -lneeded -Wl,-rpath,'$ORIGIN/first:$ORIGIN/deps'
	assert_none_missed sh -c 'ls; calls dlopen ./plugin.so'
	assert_logged 'list 0 2 ././first'
}

@test "shim: what only strace has seen is found to be missing" {
	echo 1 >file
	assert_none_missed sh -c 'cat file; echo none*'
	sed -i '/file$/d' "$LOG"
	run -0 "$ROOT/tests/shim/missed" seen "$LOG"
	assert_line "$PWD/file"
}
