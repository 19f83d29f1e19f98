# dpcache run --trace: inputs that find themselves.

load helpers

setup() {
	common_setup
	make_hold
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/status
}

teardown() {
	end_started
}

# A command that shows each of its real runs.
traced() { # SHELL-TEXT
	dpcache run --trace sh -c "$(counted runs); $1"
}

assert_reason() { # WORDS
	grep -qF -- "$1" "$DPCACHE_STATUS_FILE" || fail "$(<"$DPCACHE_STATUS_FILE")"
}

# --- what is an input ---

@test "dpcache run --trace: a hit as long as what was read has not changed" {
	echo one >input
	twice traced 'cat input'
	assert_runs runs 1
	assert_decision hit
	echo two >input
	assert_equal "$(traced 'cat input')" two
	assert_runs runs 2
}

@test "dpcache run --trace: equal content under another stat is a hit" {
	echo one >input
	twice traced 'cat input'
	rm input
	echo one >input
	touch -d '1 year ago' input
	assert_equal "$(traced 'cat input')" one
	assert_runs runs 1
}

@test "dpcache run --trace: switching between two states of a tree hits both times" {
	for _ in 1 2 3; do
		for state in one two; do
			echo "$state" >input
			assert_equal "$(traced 'cat input')" "$state"
		done
	done
	assert_runs runs 2
}

@test "dpcache run --trace: what the shelf has lost is found in the store" {
	for _ in 1 2; do
		for state in one two; do
			echo "$state" >input
			assert_equal "$(traced 'cat input')" "$state"
			rm -r "$DPCACHE_DIR/shelf"
		done
	done
	assert_runs runs 2
}

@test "dpcache run --trace: a file that was not there is an input" {
	twice traced 'cat input 2>/dev/null; echo done'
	assert_runs runs 1
	echo one >input
	assert_equal "$(traced 'cat input 2>/dev/null; echo done')" $'one\ndone'
	assert_runs runs 2
}

@test "dpcache run --trace: the names in a directory are an input" {
	mkdir dir
	touch dir/a
	twice traced 'echo dir/*'
	assert_runs runs 1
	touch dir/b
	assert_equal "$(traced 'echo dir/*')" 'dir/a dir/b'
}

@test "dpcache run --trace: where a link points is an input" {
	ln -s here link
	twice traced 'readlink link'
	assert_runs runs 1
	ln -sfn there link
	assert_equal "$(traced 'readlink link')" there
}

@test "dpcache run --trace: where a link leads by which a file was opened, if it is asked where that lies" {
	echo same >one
	echo same >two
	ln -s one link
	twice traced 'readlink /proc/self/fd/9 9<link'
	assert_runs runs 1
	ln -sfn two link
	assert_equal "$(traced 'readlink /proc/self/fd/9 9<link')" "$(realpath two)"
	twice traced 'cat link'
	ln -sfn one link
	assert_equal "$(traced 'cat link')" same
	assert_decision hit
}

@test "dpcache run --trace: metadata that were asked for are an input" {
	echo one >input
	twice traced 'stat -c %a input'
	assert_runs runs 1
	chmod 600 input
	assert_equal "$(traced 'stat -c %a input')" 600
}

@test "dpcache run --trace: a variable that was used is an input, one that is set for each run is none" {
	GREETING=hello twice traced 'echo $GREETING'
	assert_runs runs 1
	assert_equal "$(GREETING=bye traced 'echo $GREETING')" bye
	assert_runs runs 2
	assert_equal "$(GREETING=bye WINDOWID=9 MAKELEVEL=3 traced 'echo $GREETING')" bye
	assert_runs runs 2
}

@test "dpcache run --trace: a variable that no program looked up is none" {
	echo one >input
	twice dpcache run --trace cat input
	assert_equal "$(UNRELATED=1 dpcache run --trace cat input)" one
	assert_decision hit
}

@test "dpcache run --trace: a variable by which the dynamic linker itself prints is an input" {
	echo one >input
	twice dpcache run --trace cat input 2>err
	assert_decision hit
	LD_DEBUG=libs dpcache run --trace cat input 2>err
	assert_decision miss
	grep -q libc err
}

# make_asker INCLUDES BODY: a program that does as much.
make_asker() {
	printf '#include <%s>\n' stdio.h stdlib.h string.h $1 | cat - <(printf 'int main(int argc, char **argv)\n{\n%s\nreturn argc < 0 || !argv;\n}\n' "$2") |
		gcc -D_GNU_SOURCE -x c -o asker - 2>/dev/null
}

# asker_depends_on VARIABLE ONE OTHER: what it says follows the variable. Without a shell,
# which has its whole environment at hand.
asker_depends_on() {
	local one other
	one=$(env "$1=$2" ./asker 2>&1)
	other=$(env "$1=$3" ./asker 2>&1)
	assert_not_equal "$one" "$other"
	asked() { env "$1=$2" dpcache run --trace ./asker 2>&1; }
	assert_equal "$(asked "$1" "$2")" "$one"
	assert_equal "$(asked "$1" "$2")" "$one"
	assert_decision hit
	assert_equal "$(asked "$1" "$3")" "$other"
}

@test "dpcache run --trace: variables that the C library looks up by itself are inputs" {
	mkdir a b
	make_asker '' 'char *name = tempnam(NULL, "x"); *strrchr(name, 47) = 0; puts(name);'
	asker_depends_on TMPDIR "$PWD/a" "$PWD/b"
	make_asker fmtmsg.h 'fmtmsg(MM_PRINT, "a:b", MM_ERROR, "text", "action", "tag");'
	asker_depends_on MSGVERB text action
	make_asker argp.h 'struct argp_option o[] = {{"long", 1, 0, 0, "words", 0}, {0}};
		struct argp a = {.options = o}; argp_help(&a, stdout, ARGP_HELP_LONG, argv[0]);'
	asker_depends_on ARGP_HELP_FMT opt-doc-col=40 opt-doc-col=20
	make_asker argp.h 'struct argp_option o[] = {{"long", 1, 0, 0, "words", 0}, {0}};
		struct argp a = {.options = o}; char *v[] = {"x", "--help", NULL};
		argp_parse(&a, 2, v, 0, NULL, NULL);'
	asker_depends_on ARGP_HELP_FMT opt-doc-col=40 opt-doc-col=20
	echo %Y-%m-%d >masks
	echo %Y-%d-%m >other
	make_asker time.h 'struct tm *t = getdate("2020-01-02"); printf("%d %d\n", getdate_err, t ? t->tm_mday : 0);'
	asker_depends_on DATEMSK "$PWD/masks" "$PWD/other"
	make_asker time.h 'struct tm t = {0}; printf("%d ", getdate_r("2020-01-02", &t)); printf("%d\n", t.tm_mday);'
	asker_depends_on DATEMSK "$PWD/masks" "$PWD/other"
}

# locale_appears AT: a locale that a program asks for and does not find, until it is there.
locale_appears() {
	assert_equal "$(dpcache run --trace ./asker)" none
	assert_equal "$(dpcache run --trace ./asker)" none
	assert_decision hit
	mkdir -p "${1%/*}"
	cp -r /usr/lib/locale/C.utf8 "$1"
	assert_equal "$(./asker)" "$LC_ALL"
	assert_equal "$(dpcache run --trace ./asker)" "$LC_ALL"
	rm -r "$1"
}

@test "dpcache run --trace: a locale that appears under another of its names, or later along LOCPATH" {
	[ -d /usr/lib/locale/C.utf8 ] || skip 'no locale to copy'
	make_asker locale.h 'char *set = setlocale(LC_ALL, ""); puts(set ? set : "none");'
	export LOCPATH=$PWD/one:$PWD/two LC_ALL=xx_YY.UTF-8@zz
	mkdir one two
	locale_appears one/xx_YY.UTF-8@zz
	locale_appears two/xx_YY.UTF-8@zz
	locale_appears two/xx_YY.utf8@zz
	locale_appears two/xx@zz
	locale_appears two/xx_YY
}

make_said() { # WORD LIBRARY
	mkdir -p "${2%/*}"
	echo "const char *said(void) { return \"$1\"; }" | gcc -shared -fPIC -x c -o "$2" -
}

# library_appears DIRECTORY: there is nothing in it, until a better library is.
library_appears() {
	mkdir -p "$1"
	assert_equal "$(dpcache run --trace ./asker)" one
	assert_equal "$(dpcache run --trace ./asker)" one
	assert_decision hit
	make_said two "$1/libsaid.so"
	assert_equal "$(dpcache run --trace ./asker)" "$(./asker)"
	rm -r "$1"
}

@test "dpcache run --trace: a better library that appears in a directory for this processor" {
	make_said one lib/libsaid.so
	echo '#include <stdio.h>
		const char *said(void); int main(void) { puts(said()); return 0; }' |
		gcc -x c -o asker - -Llib -lsaid
	export LD_LIBRARY_PATH=$PWD/lib
	library_appears lib/glibc-hwcaps/x86-64-v2
	library_appears lib/x86_64
	library_appears lib/tls/x86_64
	unset LD_LIBRARY_PATH
	echo '#include <stdio.h>
		const char *said(void); int main(void) { puts(said()); return 0; }' |
		gcc -x c -o asker - -Llib -lsaid -Wl,-rpath,"$PWD/lib"
	library_appears lib/glibc-hwcaps/x86-64-v2
	library_appears lib/x86_64
}

@test "dpcache run --trace: attributes of a file that is open are an input" {
	make_asker 'fcntl.h sys/xattr.h' 'char text[9] = ""; int fd = open("input", O_RDONLY);
		if (argc > 1) return fsetxattr(fd, "user.x", argv[1], strlen(argv[1]), 0) != 0;
		fgetxattr(fd, "user.x", text, sizeof text - 1); puts(text);'
	touch input
	./asker one || skip 'no attributes here'
	twice traced ./asker
	assert_runs runs 1
	./asker two
	assert_equal "$(traced ./asker)" two
	make_asker 'fcntl.h sys/xattr.h' 'char text[99] = ""; puts(flistxattr(open("input", O_RDONLY), text, 99) > 0 ? text : "none");
		if (argc > 1) removexattr("input", "user.x");'
	rm -f "$BATS_TEST_TMPDIR/runs"
	twice traced ./asker
	assert_runs runs 1
	./asker remove
	assert_equal "$(traced ./asker)" none
}

@test "dpcache run --trace: a file that was open already is an input" {
	echo one >input
	inherited() { dpcache run --trace sh -c 'cat <&7' 7<input; }
	twice inherited
	assert_decision hit
	echo two >input
	assert_equal "$(inherited)" two
}

@test "dpcache run --trace: programs in between are inputs" {
	printf '#!/bin/sh\necho one\n' >tool
	chmod +x tool
	twice traced './tool'
	assert_runs runs 1
	printf '#!/bin/sh\necho two\n' >tool
	assert_equal "$(traced './tool')" two
}

@test "dpcache run --trace: what a file read names is followed" {
	echo a >list
	echo first >a
	echo second >b
	twice traced 'cat $(cat list)'
	echo b >list
	twice traced 'cat $(cat list)'
	assert_runs runs 2
	echo changed >a
	assert_equal "$(traced 'cat $(cat list)')" second
	assert_runs runs 2
	echo a >list
	assert_equal "$(traced 'cat $(cat list)')" changed
	assert_runs runs 3
}

@test "dpcache run --trace: with declared inputs, both count" {
	echo one >input
	echo 1 >declared
	both() { dpcache run --trace --input declared sh -c "$(counted runs); cat input"; }
	for state in 1 2 1 2; do
		echo "$state" >declared
		assert_equal "$(both)" one
	done
	assert_runs runs 2
	echo two >input
	assert_equal "$(both)" two
	assert_runs runs 3
}

@test "dpcache run --trace: does not expire, and with --ttl it does" {
	echo one >input
	assert_equal "$(dpcache run --trace cat input)" one
	assert_equal "$(dpcache ls --json | jq -r '.[0].left')" null
	assert_equal "$(dpcache run --trace --ttl 0 cat input)" one
	assert_decision miss
}

# as_before_then CHANGE TEXT EXPECTED: remembered, and after the change no more.
as_before_then() {
	twice traced "$2"
	assert_runs runs 1
	eval "$1"
	assert_equal "$(traced "$2")" "$3"
	assert_runs runs 2
}

@test "dpcache run --trace: a directory that is entered through a link" {
	mkdir first second
	echo one >first/input
	echo two >second/input
	ln -s first current
	as_before_then 'ln -sfn second current' 'cd current; cat input' two
}

@test "dpcache run --trace: of what type the names in a directory are" {
	mkdir dir
	touch dir/a dir/b
	as_before_then 'rm dir/a; mkdir dir/a' 'find dir -type f | sort' dir/b
}

@test "dpcache run --trace: a program that is found through a link, and asks where it lies" {
	local command state
	mkdir first second
	gcc -x c -o first/program - <<-'EOF'
		#include <unistd.h>
		int main(void)
		{
			char path[4096];
			return write(1, path, (size_t)readlink("/proc/self/exe", path, sizeof path)) < 0;
		}
	EOF
	cp first/program second/
	printf '#!%s/link/program\n' "$PWD" >script
	chmod +x script
	for command in link/program ./script 'sh -c link/program' 'sh -c ./script'; do
		for state in first second; do
			ln -sfn "$state" link
			# shellcheck disable=SC2086 # words
			twice dpcache run --trace $command
			assert_decision hit
			# shellcheck disable=SC2086
			assert_equal "$(dpcache run --trace $command)" "$(realpath "$state")/program"
		done
	done
}

@test "dpcache run --trace: that a program may be executed" {
	printf '#!/bin/sh\necho tool\n' >tool
	chmod +x tool
	as_before_then 'chmod -x tool' './tool 2>/dev/null || echo denied' denied
}

@test "dpcache run --trace: names in a directory for all" {
	mkdir -m 1777 scratch
	as_before_then 'touch scratch/name' 'ls scratch' name
}

@test "dpcache run --trace: MAKEFLAGS, for make" {
	printf 'all:\n\t@echo $(V)\n' >Makefile
	assert_equal "$(MAKEFLAGS=V=1 dpcache run --trace make --no-print-directory)" 1
	assert_equal "$(MAKEFLAGS=V=2 dpcache run --trace make --no-print-directory)" 2
}

@test "dpcache run --trace: a lock that it takes is there the next time" {
	lock() { dpcache run --trace sh -c 'mkdir lock 2>/dev/null && echo got || echo busy'; }
	assert_equal "$(lock)" got
	assert_equal "$(lock)" busy
	twice lock
	assert_decision hit
}

@test "dpcache run --trace: a log that it adds to and shows" {
	log() { dpcache run --trace sh -c 'echo line >>log; cat log'; }
	assert_equal "$(log)" line
	assert_equal "$(log)" $'line\nline'
}

@test "dpcache run --trace --no-cwd: what is below the working directory counts from there" {
	mkdir a b c
	echo one | tee a/input b/input >both
	echo two >c/input
	anywhere() { (cd "$1" && dpcache run --trace --no-cwd sh -c "$(counted runs); cat input"); }
	for place in a b c a b c; do
		assert_equal "$(anywhere "$place")" "$(<"$place/input")"
	done
	assert_runs runs 2
}

@test "dpcache run --trace: callers with other variables do not share a run" {
	start one env GREETING=hello dpcache run --trace sh -c "$(counted runs); $(held); echo \$GREETING"
	wait_until has_run 1
	start two env GREETING=bye dpcache run --trace sh -c "$(counted runs); $(held); echo \$GREETING"
	wait_until has_run 2
	release
	finish one
	finish two
	assert_equal "$(<one.out) $(<two.out)" 'hello bye'
}

@test "dpcache rm: voids a traced run of the question" {
	echo one >input
	start it dpcache run --trace --trace-ignore '*/hold' sh -c "$(counted runs); $(held); cat input"
	wait_until has_run 1
	# Its streams are two files, as it shall be here.
	key=$(dpcache key --trace --trace-ignore '*/hold' sh -c "$(counted runs); $(held); cat input" 2>err)
	dpcache rm "$key"
	release
	finish it
	assert_reason invalidated
}

@test "dpcache run --trace-ignore: what matches is no input" {
	echo one >input
	echo 1 >log
	ignoring() { dpcache run --trace --trace-ignore '*/log' sh -c "$(counted runs); cat input log"; }
	twice ignoring
	echo 2 >log
	assert_equal "$(ignoring)" $'one\n1'
	assert_runs runs 1
}

# --- programs that nothing can be loaded into ---

make_reader() { # COMPILER OPTIONS...
	cat >reader.c <<-'C'
		#include <stdio.h>
		int main(void)
		{
			char line[100] = "nothing\n";
			FILE *f = fopen("input", "r");
			if (f && !fgets(line, sizeof line, f))
				return 1;
			fputs(line, stdout);
			return 0;
		}
	C
	"$@" -o reader reader.c
}

# reader_is_traced COMMAND...: that runs ./reader.
reader_is_traced() {
	twice dpcache run --trace "$@"
	assert_decision hit
	echo one >input
	assert_equal "$(dpcache run --trace "$@")" one
	twice dpcache run --trace "$@"
	assert_decision hit
	rm input
	assert_equal "$(dpcache run --trace "$@")" nothing
	assert_decision hit
}

@test "dpcache run --trace: a static program" {
	make_reader gcc -static
	reader_is_traced ./reader
	reader_is_traced sh -c ./reader
}

@test "dpcache run --trace: a program of another C library" {
	make_reader musl-gcc
	reader_is_traced ./reader
	reader_is_traced sh -c ./reader
}

@test "dpcache run --trace: a program with AddressSanitizer" {
	make_reader gcc -fsanitize=address
	reader_is_traced ./reader
	reader_is_traced sh -c ./reader
}

@test "dpcache run --trace=strict: by the kernel" {
	[ -z "${DPC_TEST_CFLAGS:-}" ] || skip 'a watcher with a sanitizer in it does not bear the shim before it'
	make_reader gcc
	twice dpcache run --trace=strict ./reader
	assert_decision hit
	echo one >input
	assert_equal "$(dpcache run --trace=strict ./reader)" one
}

# --- what is none ---

@test "dpcache run --trace: temporary files of its own are no inputs" {
	echo one >input
	scratch() { traced 't=$(mktemp ./tmpXXXXXX); sort input >"$t"; cat "$t"; rm "$t"'; }
	twice scratch
	assert_runs runs 1
}

# --- what must not be remembered ---

@test "dpcache run --trace: an input that changes while it runs" {
	echo one >input
	start it dpcache run --trace sh -c "cat input; $(counted runs); $(held)"
	wait_until has_run 1
	echo two >input
	release
	finish it
	assert_reason "input changed while it ran"
	start it dpcache run --trace sh -c "cat input; $(counted runs); $(held)"
	finish it
	assert_equal "$(<it.out)" two
	assert_runs runs 2
}

@test "dpcache run --trace: an input that it also writes" {
	echo 1 >input
	add() { traced 'cat input; echo more >>input'; }
	assert_equal "$(add)" 1
	assert_reason "input and changed it"
	assert_equal "$(add)" $'1\nmore'
}

@test "dpcache run --trace: what comes through a pipe" {
	assert_equal "$(dpcache run --trace cat <(echo one))" one
	assert_reason pipe
	assert_equal "$(dpcache run --trace cat <(echo two))" two
}

@test "dpcache run --trace: what lies behind a link that it makes" {
	echo one >input
	through() { traced 'ln -sf input link; cat link; rm link'; }
	assert_equal "$(through)" one
	assert_reason 'link that it made itself'
}

@test "dpcache run --trace: what lies behind a link that it makes where it has looked before" {
	local kind text
	for kind in --trace --trace=strict; do
		for text in 'test -e link; ln -s input link; test -e link && echo there; rm link' \
			'test -e link/input; ln -s . first; mv first link; test -e link/input && echo there; rm link'; do
			rm -f input
			assert_equal "$(dpcache run "$kind" sh -c "$text" 2>/dev/null)" ''
			assert_reason 'link that it made itself'
			touch input
			assert_equal "$(dpcache run "$kind" sh -c "$text" 2>/dev/null)" there
		done
	done
}

@test "dpcache run --trace: what lies behind a link that it makes and moves" {
	local moved
	for moved in 'ln -s input first; mv first link' 'touch link; ln -sf input link' 'ln -s input first; ln -P first link'; do
		echo one >input
		through() { traced "$moved; cat link; rm -f link first"; }
		assert_equal "$(through)" one
		assert_reason 'link that it made itself'
		echo two >input
		assert_equal "$(through)" two
	done
}

@test "dpcache run --trace: a program that it runs by a link that it makes" {
	printf '#!/bin/sh\necho one\n' >first
	printf '#!/bin/sh\necho two\n' >second
	chmod +x first second
	traced 'ln -s first tool; ./tool; rm tool'
	assert_reason 'link that it made itself'
	rm first
	mv second first
	assert_equal "$(traced 'ln -s first tool; ./tool; rm tool')" two
}

@test "dpcache run --trace: a command that uses the network" {
	traced 'perl -MIO::Socket::INET -e "IO::Socket::INET->new(PeerAddr => q(127.0.0.1:9))"' || true
	assert_reason network
}

# --- transparency, and many at once ---

@test "dpcache run --trace: the command's environment is as it was" {
	local bare traced surroundings=(-i PATH="$PATH" DPCACHE_DIR="$DPCACHE_DIR" GREETING=hello)
	bare=$(env "${surroundings[@]}" dpcache run env | grep -v ^DPCACHE_RUNNING)
	traced=$(env "${surroundings[@]}" dpcache run --trace env | grep -v ^DPCACHE_RUNNING)
	assert_equal "$traced" "$bare"
}

@test "dpcache run --trace: the user's own LD_PRELOAD stays" {
	assert_equal "$(LD_PRELOAD=libm.so.6 dpcache run --trace sh -c 'echo $LD_PRELOAD')" libm.so.6
}

@test "dpcache run --trace: the front answers alone" {
	echo one >input
	touch -d '1 hour ago' input
	twice dpcache run --trace cat input
	assert_equal "$(strace -f -o calls -e trace=execve dpcache run --trace cat input)" one
	assert_equal "$(grep -c execve calls)" 1
}

@test "dpcache run --trace: of many cold callers one runs" {
	echo one >input
	for i in 1 2 3 4 5 6 7 8; do
		# A fifo alone would keep it from being remembered for those who come late.
		start "c$i" dpcache run --trace --trace-ignore '*/hold' sh -c "$(counted runs); $(held); cat input"
	done
	wait_until has_run 1
	release
	for i in 1 2 3 4 5 6 7 8; do
		finish "c$i"
		assert_equal "$(<"c$i.out")" one
	done
	assert_runs runs 1
}

@test "dpcache run --trace: a large output is kept" {
	echo one >input
	twice traced 'cat input; seq 100000'
	assert_runs runs 1
	rm -r "$DPCACHE_DIR/shelf"
	assert_equal "$(traced 'cat input; seq 100000' | tail -n 1)" 100000
	assert_runs runs 1
}

# --- files that it makes ---

make_source() {
	printf '#include "a.h"\nint main(void) { return A; }\n' >a.c
	echo '#define A 1' >a.h
}

compile() { # OPTIONS...
	dpcache run --trace "$@" sh -c "$(counted runs); gcc -c a.c -o a.o"
}

@test "dpcache run --trace --output: what a compiler makes is put back, as it was for these sources" {
	make_source
	compile --output a.o
	cp a.o first.o
	compile --output a.o
	assert_decision hit
	echo '#define A 2' >a.h
	compile --output a.o
	assert_decision miss
	run ! cmp -s a.o first.o
	echo '#define A 1' >a.h
	compile --output a.o
	assert_decision hit
	cmp a.o first.o
	rm a.o
	compile --output a.o
	cmp a.o first.o
	assert_runs runs 2
}

@test "dpcache run --trace --outputs auto: the same without naming them" {
	make_source
	compile --outputs auto
	cp a.o first.o
	rm a.o
	compile --outputs auto
	assert_decision hit
	cmp a.o first.o
	echo '#define A 2' >a.h
	compile --outputs auto
	assert_decision miss
	run ! cmp -s a.o first.o
	assert_runs runs 2
}

@test "dpcache run --trace --outputs auto: what it made of what was there is not remembered" {
	echo 1 >input
	more() { dpcache run --trace --outputs auto sh -c 'cat input >new; echo more >>new; mv new input; cat input'; }
	assert_equal "$(more)" $'1\nmore'
	assert_equal "$(more)" $'1\nmore\nmore'
}

@test "dpcache run --trace --output: what it only added to is not remembered" {
	echo one >log
	add() { dpcache run --trace --output log sh -c 'echo line >>log'; }
	add
	assert_reason 'changed'
	echo other >log
	add
	assert_equal "$(<log)" $'other\nline'
}

@test "dpcache run --trace --outputs auto: what it took away is not remembered" {
	echo 1 >old
	dpcache run --trace --outputs auto rm old
	assert_reason 'removed'
	run -1 dpcache run --trace --outputs auto rm old
}

@test "dpcache run --trace --outputs auto: what it moved is not remembered" {
	move() { dpcache run --trace --outputs auto sh -c 'mv old new; echo next >old'; }
	for state in 1 2; do
		echo "$state" >old
		move
		assert_equal "$(<new)" "$state"
		rm new
	done
}

@test "dpcache run --trace --outputs auto: what was there when it came is not put over" {
	configure() { dpcache run --trace --outputs auto sh -c 'test -e config || echo default >config; cat config'; }
	assert_equal "$(configure)" default
	echo mine >config
	assert_equal "$(configure)" mine
	assert_equal "$(<config)" mine
}

# --- a build, in the directory that it lists ---

# A program of two sources and a header, by way of an archive, with a list of what each
# object depends on; what is made lies in obj, but for the program itself.
make_program() {
	printf '#include "a.h"\nint b(void);\nint main(void) { return A + b(); }\n' >a.c
	echo 'int b(void) { return 0; }' >b.c
	echo '#define A 0' >a.h
	cat >Makefile <<-'MAKE'
		.RECIPEPREFIX = >
		prog: obj/libprog.a
		>gcc -o $@ obj/libprog.a
		obj/libprog.a: $(patsubst %.c,obj/%.o,$(wildcard *.c))
		>ar rcs $@ $^
		obj/%.o: %.c
		>@mkdir -p obj
		>gcc -MMD -c -o $@ $<
		-include $(wildcard obj/*.d)
		clean:
		>rm -rf obj prog
	MAKE
}

build() { # MAKE-OPTION...
	dpcache run --trace --outputs auto make "$@" >log 2>&1 || fail "$(<log)"
}

made_files() {
	find prog obj -printf '%p %i %T@ %C@\n' | sort
}

assert_built() { # HOW
	assert_decision "$1"
	./prog || fail "the program says $?"
}

@test "dpcache run --trace --outputs auto: after make clean, a build is put back" {
	make_program
	build
	assert_built miss
	assert_reason '"reason":"remembered' # make asks what time it is
	make clean
	build
	assert_built hit
	assert_equal "$(echo obj/*)" 'obj/a.d obj/a.o obj/b.d obj/b.o obj/libprog.a'
	make -q
}

@test "dpcache run --trace --outputs auto: so is one by many at once" {
	make_program
	build -j2
	assert_built miss
	make clean
	build -j2
	assert_built hit
}

@test "dpcache run --trace --outputs auto: a build after a source has changed is another" {
	make_program
	build
	make clean
	echo 'int b(void) { return 7; }' >b.c
	build
	assert_decision miss
	run -7 ./prog
	make clean
	build
	assert_decision hit
	run -7 ./prog
}

@test "dpcache run --trace --outputs auto: a build after a header has changed is another" {
	make_program
	build
	make clean
	echo '#define A 7' >a.h
	build
	assert_decision miss
	run -7 ./prog
}

@test "dpcache run --trace --outputs auto: a build sees that a source has come" {
	make_program
	build
	make clean
	echo 'int c(void) { return 0; }' >c.c
	build
	assert_built miss
	assert_exists obj/c.o
	make clean
	rm c.c
	build
	assert_built hit
	assert_not_exists obj/c.o
}

@test "dpcache run --trace --outputs auto: what is there already, make says itself, and that is remembered" {
	make_program
	build
	build
	assert_built miss
	grep -q "'prog' is up to date" log
	made_files >"$BATS_TEST_TMPDIR/before"
	build
	assert_built hit
	grep -q "'prog' is up to date" log
	made_files | diff "$BATS_TEST_TMPDIR/before" -
}

@test "dpcache run --trace --outputs auto: objects beside their sources, in a directory below" {
	mkdir src
	echo 'int main(void) { return 0; }' >src/a.c
	printf '%s\n' 'CFLAGS = -MMD' 'prog: $(patsubst %.c,%.o,$(wildcard src/*.c))' $'\tgcc -o $@ $^' \
		'-include src/a.d' 'clean:' $'\trm -f prog src/*.[od]' >Makefile
	build
	assert_built miss
	make clean
	build
	assert_built hit
	assert_exists src/a.d
	make clean
	echo 'int b;' >src/b.c
	build
	assert_built miss
	assert_exists src/b.o
}

# disturbed COMMANDS: done by somebody else while the listing command is at work.
disturbed() {
	start it dpcache run --trace --outputs auto --trace-ignore '*/hold' \
		sh -c "$(counted runs); echo one >own; rm -f own; echo * >list; $(held)"
	wait_until has_run 1
	wait_until test -s list
	eval "$1"
	release
	finish it
}

@test "dpcache run --trace --outputs auto: names that somebody else makes meanwhile" {
	touch source
	disturbed 'touch other'
	assert_reason 'work changed while it ran'
}

@test "dpcache run --trace --outputs auto: names that come and go meanwhile" {
	touch source
	disturbed 'touch other; rm other'
	assert_reason 'work changed while it ran'
}

@test "dpcache run --trace --outputs auto: names that somebody else takes away meanwhile" {
	touch source
	disturbed 'rm source'
	assert_reason 'work changed while it ran'
}

@test "dpcache run --trace --outputs auto: names that nobody touches" {
	touch source
	disturbed ''
	assert_equal "$(<list)" 'it.err it.out source'
	assert_reason '"reason":null'
}

@test "dpcache run --outputs auto: without --trace it is wrong usage" {
	run -125 dpcache run --outputs auto true
}
