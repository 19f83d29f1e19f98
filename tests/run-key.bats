#!/usr/bin/env bats
# dpcache run: two different questions never share an answer, and what does not
# matter does not part them.
#
# The form of most: one asking twice, another twice. Two real runs then say
# that they are apart and both remembered, one that they are the same.
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # scripts in quotes; tests are
# subshells

load helpers

setup() {
	common_setup
	make_tool
}

# --- the command ---

@test "dpcache run tool a b: not tool ab" {
	twice dpcache run tool a b
	twice dpcache run tool ab
	assert_runs runs 2
}

@test "dpcache run tool 'a b': not tool a b" {
	twice dpcache run tool a b
	twice dpcache run tool 'a b'
	assert_runs runs 2
}

@test "dpcache run tool ab c: not tool a bc" {
	twice dpcache run tool ab c
	twice dpcache run tool a bc
	assert_runs runs 2
}

@test "dpcache run tool: an empty argument is one" {
	twice dpcache run tool
	twice dpcache run tool ''
	twice dpcache run tool '' ''
	assert_runs runs 3
}

@test "dpcache run tool: where an empty argument stands matters" {
	twice dpcache run tool '' a
	twice dpcache run tool a ''
	assert_runs runs 2
}

@test "dpcache run tool: a newline in an argument is not two arguments" {
	twice dpcache run tool $'a\nb'
	twice dpcache run tool a b
	twice dpcache run tool $'a\n' b
	assert_runs runs 3
}

@test "dpcache run tool: arguments of invalid UTF-8 are told apart, and come out as they went in" {
	twice dpcache run tool $'\xff'
	twice dpcache run tool $'\xfe'
	twice dpcache run tool $'\xc3'
	assert_runs runs 3
	dpcache run tool $'\xff' >out
	printf '<\xff>' | cmp - out
}

@test "dpcache run tool: the order of arguments matters" {
	twice dpcache run tool a b
	twice dpcache run tool b a
	assert_runs runs 2
}

@test "dpcache run tool: how the command was named matters, for it can see it" {
	twice dpcache run tool
	twice dpcache run "$TOOL"
	assert_runs runs 2
}

@test "dpcache run -c STRING: each string is a question" {
	twice dpcache run -c "$(counted runs); echo a"
	twice dpcache run -c "$(counted runs); echo b"
	assert_runs runs 2
}

# --- the executable ---

@test "dpcache run tool: upgraded, it runs again" {
	twice dpcache run tool
	echo '# version 2' >>"$TOOL"
	twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run tool: replaced by one of the same size and time, it runs again" {
	printf '#!/bin/sh\n%s\necho one\n' "$(counted runs)" >"$TOOL"
	run -0 dpcache run tool
	sed 's/one$/two/' "$TOOL" >"$TOOL.new"
	chmod 755 "$TOOL.new"
	touch -r "$TOOL" "$TOOL.new"
	mv "$TOOL.new" "$TOOL"
	run -0 dpcache run tool
	assert_output two
}

@test "dpcache run tool: the same content under a new time still hits" {
	twice dpcache run tool
	touch -d '2001-02-03 04:05' "$TOOL"
	twice dpcache run tool
	assert_runs runs 1
}

@test "dpcache run tool: the same content installed anew still hits" {
	twice dpcache run tool
	cp -p "$TOOL" "$TOOL.new"
	mv "$TOOL.new" "$TOOL"
	twice dpcache run tool
	assert_runs runs 1
}

@test "dpcache run tool: one found in another directory is another" {
	mkdir other
	cp "$TOOL" other/tool
	twice dpcache run --no-path tool
	PATH=$PWD/other:$PATH twice dpcache run --no-path tool
	assert_runs runs 2
}

@test "dpcache run --no-exe tool: upgraded, it still hits" {
	twice dpcache run --no-exe tool
	echo '# version 2' >>"$TOOL"
	twice dpcache run --no-exe tool
	assert_runs runs 1
}

@test "dpcache run --no-exe: asks another question than without" {
	twice dpcache run tool
	twice dpcache run --no-exe tool
	assert_runs runs 2
}

# --- the working directory ---

@test "dpcache run: the working directory is part of the key" {
	mkdir a b
	cd a
	twice dpcache run tool
	cd ../b
	twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: so is its logical name, through a symbolic link" {
	mkdir real
	ln -s real link
	cd real
	twice dpcache run tool
	cd ../link
	twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: a PWD that names another place says nothing" {
	mkdir elsewhere
	twice dpcache run tool
	twice env PWD="$PWD/elsewhere" dpcache run tool
	twice env PWD=nonsense dpcache run tool
	twice env -u PWD dpcache run tool
	assert_runs runs 1
}

@test "dpcache run --no-cwd: elsewhere it still hits" {
	mkdir a
	twice dpcache run --no-cwd tool
	cd a
	twice dpcache run --no-cwd tool
	assert_runs runs 1
}

@test "dpcache run --no-cwd: a link on the way does not matter either" {
	ln -s . link
	twice dpcache run --no-cwd tool
	cd link
	twice dpcache run --no-cwd tool
	assert_runs runs 1
}

# --- the surroundings ---

@test "dpcache run: PATH is part of the key" {
	twice dpcache run tool
	PATH=$PATH:/nowhere twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run --no-path: another PATH still hits" {
	twice dpcache run --no-path tool
	PATH=$PATH:/nowhere twice dpcache run --no-path tool
	assert_runs runs 1
}

@test "dpcache run: the umask is part of the key" {
	umask 022
	twice dpcache run tool
	umask 077
	twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: asking leaves the umask to the command" {
	umask 027
	run -0 dpcache run sh -c umask
	assert_output 0027
}

@test "dpcache run: LANG is part of the key" {
	LANG=C twice dpcache run tool
	LANG=C.UTF-8 twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: LC_ALL is part of the key" {
	LC_ALL=C twice dpcache run tool
	LC_ALL=C.UTF-8 twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: any LC_ variable is part of the key" {
	twice dpcache run tool
	LC_PAPER=C twice dpcache run tool
	LC_TIME=C twice dpcache run tool
	assert_runs runs 3
}

@test "dpcache run: TZ is part of the key" {
	twice dpcache run tool
	TZ=Asia/Tokyo twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: LANGUAGE is part of the key" {
	twice dpcache run tool
	LANGUAGE=de twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: a locale variable that is empty is not one that is unset" {
	twice env -u LANG dpcache run tool
	twice env LANG= dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: values of two locale variables are not mixed up" {
	LC_TIME=C LC_PAPER=POSIX twice dpcache run tool
	LC_TIME=POSIX LC_PAPER=C twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run --no-locale: another locale and time zone still hit" {
	twice dpcache run --no-locale tool
	LANG=C LC_ALL=C LC_TIME=C TZ=Asia/Tokyo LANGUAGE=de twice dpcache run --no-locale tool
	assert_runs runs 1
}

# The real uid is who the command runs for; the cache stays root's.
as_nobody() {
	((EUID == 0)) || skip 'only root can become somebody else'
	command -v setpriv >/dev/null || skip 'no setpriv'
	setpriv --ruid=65534 "$@"
}

@test "dpcache run: the user is part of the key" {
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	dpcache run echo
	as_nobody dpcache run echo
	assert_decision miss
	as_nobody dpcache run echo
	assert_decision hit
}

@test "dpcache run --no-uid: another user's asking still hits" {
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	dpcache run --no-uid echo
	as_nobody dpcache run --no-uid echo
	assert_decision hit
}

@test "dpcache run: stdout and stderr in one open file are another question than apart" {
	dpcache run tool >one 2>&1
	dpcache run tool >one 2>two
	assert_runs runs 2
	dpcache run tool >one 2>&1
	dpcache run tool >one 2>two
	assert_runs runs 2
}

@test "dpcache run: one file opened twice is not one open file" {
	dpcache run tool >one 2>two
	dpcache run tool >one 2>>one
	assert_runs runs 1
}

@test "dpcache run: what make, terminals and CI systems set does not matter" {
	twice dpcache run tool
	MAKEFLAGS=-j8 twice dpcache run tool
	MAKELEVEL=3 twice dpcache run tool
	twice env SHLVL=9 dpcache run tool
	COLUMNS=40 LINES=20 TERM=dumb twice dpcache run tool
	BUILD_ID=4711 BUILD_NUMBER=7 CI=true twice dpcache run tool
	assert_runs runs 1
}

@test "dpcache run: how the answer is wanted is no part of the question" {
	twice dpcache run tool
	twice dpcache run --ttl 1h --ttl-fail 1m --cache-exit 0,1 --wait 1m --on-timeout fail -E 3 tool
	twice dpcache run --max-run 1h --max-output 1m --require-cache tool
	twice dpcache run --no-coalesce tool
	assert_runs runs 1
}

# --- variables asked for ---

@test "dpcache run --env: the value, an empty one and none are three" {
	unset WHO
	twice dpcache run --env WHO tool
	WHO='' twice dpcache run --env WHO tool
	WHO=ann twice dpcache run --env WHO tool
	WHO=bob twice dpcache run --env WHO tool
	assert_runs runs 4
}

@test "dpcache run --env: a variable not asked for does not matter" {
	WHO=ann twice dpcache run tool
	WHO=bob twice dpcache run tool
	assert_runs runs 1
}

@test "dpcache run --env: the name is part of the key" {
	ONE=1 TWO=1 twice dpcache run --env ONE tool
	ONE=1 TWO=1 twice dpcache run --env TWO tool
	assert_runs runs 2
}

@test "dpcache run --env: values of two variables are not mixed up" {
	ONE=a TWO=b twice dpcache run --env ONE --env TWO tool
	ONE=b TWO=a twice dpcache run --env ONE --env TWO tool
	assert_runs runs 2
}

@test "dpcache run --env: neither order nor repetition matters" {
	ONE=1 TWO=2 twice dpcache run --env ONE --env TWO tool
	ONE=1 TWO=2 twice dpcache run --env TWO --env ONE --env TWO tool
	assert_runs runs 1
}

@test "dpcache run --env: may name what is left out otherwise" {
	MAKEFLAGS=-j2 twice dpcache run --env MAKEFLAGS tool
	MAKEFLAGS=-j4 twice dpcache run --env MAKEFLAGS tool
	assert_runs runs 2
}

@test "dpcache run --env: the value is nowhere in the cache" {
	export TOKEN=correct-horse-battery-staple LC_PAPER=xyzzy-paper
	twice dpcache run --env TOKEN tool marker-in-the-cache
	grep -rqaF marker-in-the-cache "$DPCACHE_DIR"
	run -1 grep -rlaF "$TOKEN" "$DPCACHE_DIR"
	run -1 grep -rlaF "$LC_PAPER" "$DPCACHE_DIR"
	run -1 grep -rlaF "$PATH" "$DPCACHE_DIR"
}

@test "dpcache run --env: nor is the value there while the command runs" {
	printf '#!/bin/sh\ngrep -rlaF "$TOKEN" "$DPCACHE_DIR"\n' >"$TOOL"
	TOKEN=correct-horse-battery-staple run -1 dpcache run --env TOKEN tool
	assert_output ''
	assert_file_not_empty "$DPCACHE_DIR/state"
}

# --- inputs ---

@test "dpcache run --input FILE: changed, it runs again" {
	echo one >in
	twice dpcache run --input in tool
	echo two and more >in
	twice dpcache run --input in tool
	assert_runs runs 2
}

@test "dpcache run --input FILE: changed back, the first result is still there" {
	echo one >in
	twice dpcache run --input in tool
	echo two >in
	twice dpcache run --input in tool
	echo one >in
	twice dpcache run --input in tool
	assert_runs runs 2
}

@test "dpcache run --input FILE: the same content touched still hits" {
	echo one >in
	twice dpcache run --input in tool
	touch -d '2001-02-03 04:05' in
	twice dpcache run --input in tool
	assert_runs runs 1
}

@test "dpcache run --input FILE: rewritten at once in the same size, with its time put back, it runs again" {
	echo one >in
	touch -d '2001-02-03 04:05' in
	dpcache run --input in tool
	echo two >in
	touch -d '2001-02-03 04:05' in
	dpcache run --input in tool
	assert_runs runs 2
}

lies_still() { # FILE: too long for a change of now to bear the same time
	(($(date +%s) - $(stat -c %Z "$1") > 3))
}

@test "dpcache run --input FILE: rewritten after a while in the same size, with its time put back, it runs again" {
	echo one >in
	touch -d '2001-02-03 04:05' in
	wait_until lies_still in
	run -0 dpcache run --input in cat in
	assert_output one
	echo two >in
	touch -d '2001-02-03 04:05' in
	run -0 dpcache run --input in cat in
	assert_output two
}

@test "dpcache run --input FILE: not named, it does not matter" {
	echo one >in
	twice dpcache run tool
	echo two >in
	twice dpcache run tool
	assert_runs runs 1
}

@test "dpcache run --input FILE: absent, then there, then absent" {
	twice dpcache run --input in tool
	echo one >in
	twice dpcache run --input in tool
	assert_runs runs 2
	rm in
	twice dpcache run --input in tool
	assert_runs runs 2
}

@test "dpcache run --input FILE: absent is not empty" {
	twice dpcache run --input in tool
	: >in
	twice dpcache run --input in tool
	assert_runs runs 2
}

@test "dpcache run --input FILE: the name is part of the key" {
	echo same >one
	echo same >two
	twice dpcache run --input one tool
	twice dpcache run --input two tool
	assert_runs runs 2
}

@test "dpcache run --input: contents of two files are not mixed up" {
	echo a >one
	echo b >two
	twice dpcache run --input one --input two tool
	echo b >one
	echo a >two
	twice dpcache run --input one --input two tool
	assert_runs runs 2
}

@test "dpcache run --input: neither order nor repetition matters" {
	echo a >one
	echo b >two
	twice dpcache run --input one --input two tool
	twice dpcache run --input two --input one --input two tool
	assert_runs runs 1
}

@test "dpcache run --input LINK: what it leads to is read" {
	echo one >target
	ln -s target link
	twice dpcache run --input link tool
	echo two >target
	twice dpcache run --input link tool
	assert_runs runs 2
}

@test "dpcache run --input LINK: retargeted, it runs again" {
	echo one >first
	echo two >second
	ln -s first link
	twice dpcache run --input link tool
	ln -sfn second link
	twice dpcache run --input link tool
	assert_runs runs 2
}

@test "dpcache run --input FILE: an input that the command itself changes keeps nothing" {
	echo one >in
	run -0 dpcache run --input in sh -c "$(counted runs); echo more >>in"
	run -0 dpcache run --input in sh -c "$(counted runs); echo more >>in"
	assert_runs runs 2
	run -0 dpcache ls
	refute_output --partial more
}

make_tree() {
	mkdir -p tree/sub/deep
	echo a >tree/a
	echo b >tree/sub/b
	echo c >tree/sub/deep/c
	ln -s a tree/link
}

@test "dpcache run --input DIR: unchanged, but touched all over, it still hits" {
	make_tree
	twice dpcache run --input tree tool
	find tree -exec touch -h -d '2001-02-03 04:05' {} +
	twice dpcache run --input tree tool
	assert_runs runs 1
}

@test "dpcache run --input: what lies a thousand directories deep is an input like any other" {
	local depth=1200 deep pattern
	deep=tree$(printf "/d%.0s" $(seq "$depth"))
	pattern=tree$(printf "/?%.0s" $(seq "$depth"))
	mkdir -p "$deep"
	echo one >"$deep/file"
	for input in tree "$pattern/file"; do
		rm -f "$BATS_TEST_TMPDIR/runs"
		twice dpcache run --input "$input" tool
		assert_runs runs 1
		echo "$input" >"$deep/file"
		twice dpcache run --input "$input" tool
		assert_runs runs 2
	done
}

@test "dpcache run --input DIR: a file added" {
	make_tree
	twice dpcache run --input tree tool
	: >tree/new
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a hidden file added" {
	make_tree
	twice dpcache run --input tree tool
	: >tree/.new
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a file removed" {
	make_tree
	twice dpcache run --input tree tool
	rm tree/a
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a file changed" {
	make_tree
	twice dpcache run --input tree tool
	echo A >tree/a
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a file renamed" {
	make_tree
	twice dpcache run --input tree tool
	mv tree/a tree/z
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a file far below changed" {
	make_tree
	twice dpcache run --input tree tool
	echo C >tree/sub/deep/c
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a file far below added" {
	make_tree
	twice dpcache run --input tree tool
	: >tree/sub/deep/d
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a file moved from one directory to another" {
	make_tree
	twice dpcache run --input tree tool
	mv tree/sub/b tree/sub/deep/b
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: an empty directory added" {
	make_tree
	twice dpcache run --input tree tool
	mkdir tree/sub/empty
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a symbolic link retargeted" {
	make_tree
	twice dpcache run --input tree tool
	ln -sfn sub/b tree/link
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a file become a symbolic link to its like" {
	make_tree
	twice dpcache run --input tree tool
	mv tree/a elsewhere
	ln -s ../elsewhere tree/a
	twice dpcache run --input tree tool
	assert_runs runs 2
}

@test "dpcache run --input DIR: a link that leads round in a circle ends" {
	make_tree
	ln -s ../.. tree/sub/round
	twice dpcache run --input tree tool
	assert_runs runs 1
}

@test "dpcache run --input DIR: a pipe in it is not read" {
	make_tree
	mkfifo tree/pipe
	twice timeout 60 dpcache run --input tree tool
	assert_runs runs 1
}

@test "dpcache run --input GLOB: a new match" {
	echo a >a.c
	twice dpcache run --input '*.c' tool
	echo b >b.c
	twice dpcache run --input '*.c' tool
	assert_runs runs 2
}

@test "dpcache run --input GLOB: a match removed" {
	echo a >a.c
	echo b >b.c
	twice dpcache run --input '*.c' tool
	rm b.c
	twice dpcache run --input '*.c' tool
	assert_runs runs 2
}

@test "dpcache run --input GLOB: a match changed" {
	echo a >a.c
	twice dpcache run --input '*.c' tool
	echo b >a.c
	twice dpcache run --input '*.c' tool
	assert_runs runs 2
}

@test "dpcache run --input GLOB: an unrelated file in the directory does not matter" {
	echo a >a.c
	twice dpcache run --input '*.c' tool
	echo b >b.h
	twice dpcache run --input '*.c' tool
	assert_runs runs 1
}

@test "dpcache run --input GLOB: the first match of one that had none" {
	twice dpcache run --input '*.c' tool
	echo a >a.c
	twice dpcache run --input '*.c' tool
	assert_runs runs 2
}

@test "dpcache run --input GLOB: two that match nothing are two" {
	twice dpcache run --input '*.c' tool
	twice dpcache run --input '*.h' tool
	assert_runs runs 2
}

@test "dpcache run --input GLOB/GLOB: a match in a directory that came later" {
	mkdir one
	echo a >one/a.c
	twice dpcache run --input '*/*.c' tool
	mkdir two
	echo b >two/b.c
	twice dpcache run --input '*/*.c' tool
	assert_runs runs 2
}

@test "dpcache run --input GLOB/FILE: the file appears in a directory that was there" {
	mkdir one two
	echo a >one/Makefile
	twice dpcache run --input '*/Makefile' tool
	echo b >two/Makefile
	twice dpcache run --input '*/Makefile' tool
	assert_runs runs 2
}

@test "dpcache run --input GLOB: a matching directory is taken with all in it" {
	mkdir -p lib.d/sub
	echo a >lib.d/sub/a
	twice dpcache run --input '*.d' tool
	echo b >lib.d/sub/a
	twice dpcache run --input '*.d' tool
	assert_runs runs 2
}

@test "dpcache run --input 'a[1]': a file of that very name is meant" {
	echo one >'a[1]'
	echo other >a1
	twice dpcache run --input 'a[1]' tool
	echo another >a1
	twice dpcache run --input 'a[1]' tool
	assert_runs runs 1
	echo two >'a[1]'
	twice dpcache run --input 'a[1]' tool
	assert_runs runs 2
}

need_strace() {
	command -v strace >/dev/null || skip 'no strace'
	strace -o /dev/null true 2>/dev/null || skip 'strace is not allowed'
}

traced() {
	strace -f -e trace=open,openat -o "$BATS_TEST_TMPDIR/trace" "$@"
	assert_file_not_empty "$BATS_TEST_TMPDIR/trace"
}

@test "dpcache run --input FILE: unchanged, it is not read again, nor is the executable" {
	need_strace
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	# Old files: one changed just now is read, in case it changes once more.
	dpcache run --input /bin/ls /bin/echo
	traced dpcache run --input /bin/ls /bin/echo
	assert_decision hit
	run -1 grep -F '"/bin/ls"' "$BATS_TEST_TMPDIR/trace"
	run -1 grep -F '"/bin/echo"' "$BATS_TEST_TMPDIR/trace"
}

@test "dpcache run --input FILE: unchanged, it is not read again for another question" {
	need_strace
	dpcache run --input /bin/ls tool
	traced dpcache run --input /bin/ls tool another
	assert_runs runs 2
	run -1 grep -F '"/bin/ls"' "$BATS_TEST_TMPDIR/trace"
}

@test "dpcache run --input FILE: changed just before it was recorded, it is read again" {
	need_strace
	# Just before is two seconds: a slow machine may need another try.
	read_again() {
		echo some >in
		dpcache run --input in /bin/echo
		traced dpcache run --input in /bin/echo
		grep -F '"in"' "$BATS_TEST_TMPDIR/trace"
	}
	for _ in {1..20}; do
		if read_again; then return; fi
	done
	fail 'never read again'
}

@test "dpcache run --inputs-from FILE: the files it names are inputs" {
	echo a >one
	echo b >two
	printf 'one\ntwo\n' >names
	twice dpcache run --inputs-from names tool
	echo B >two
	twice dpcache run --inputs-from names tool
	assert_runs runs 2
}

@test "dpcache run --inputs-from FILE: the last name needs no newline, and empty lines are none" {
	echo a >one
	echo b >two
	printf 'one\n\ntwo' >names
	twice dpcache run --inputs-from names tool
	echo B >two
	twice dpcache run --inputs-from names tool
	assert_runs runs 2
}

@test "dpcache run --inputs-from FILE: the same as --input for each" {
	echo a >one
	echo b >two
	printf 'two\none\n' >names
	twice dpcache run --inputs-from names tool
	twice dpcache run --input one --input two tool
	assert_runs runs 1
}

@test "dpcache run --inputs-from FILE: adds to --input and --env" {
	echo a >one
	echo b >two
	echo two >names
	WHO=ann twice dpcache run --env WHO --input one --inputs-from names tool
	echo A >one
	WHO=ann twice dpcache run --env WHO --input one --inputs-from names tool
	WHO=bob twice dpcache run --env WHO --input one --inputs-from names tool
	assert_runs runs 3
}

@test "dpcache run --inputs-from FILE: longer than any buffer" {
	seq 20000 | sed 's/^/no-such-name-/' >names
	echo last >>names
	echo a >last
	dpcache run --inputs-from names tool
	echo b >last
	dpcache run --inputs-from names tool
	assert_runs runs 2
	dpcache run --inputs-from names tool
	assert_runs runs 2
}

@test "dpcache run --inputs-from -: the names come on stdin" {
	echo a >one
	dpcache run --inputs-from - tool <<<one
	dpcache run --inputs-from - tool <<<one
	assert_runs runs 1
	echo A >one
	dpcache run --inputs-from - tool <<<one
	assert_runs runs 2
}

@test "dpcache run --inputs-from -: the names may come through a pipe, and are not the command's stdin" {
	echo a >one
	run -0 dpcache run --inputs-from - cat < <(echo one)
	assert_output ''
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	echo A >one
	run -0 dpcache run --inputs-from - cat < <(echo one)
	assert_decision miss
	run -0 dpcache run --inputs-from - cat < <(echo one)
	assert_decision hit
}

@test "dpcache run -0 --inputs-from: names end in NUL and may hold newlines" {
	echo a >$'one\ntwo'
	printf 'one\ntwo\0' >names
	twice dpcache run -0 --inputs-from names tool
	echo A >$'one\ntwo'
	twice dpcache run -0 --inputs-from names tool
	assert_runs runs 2
}

@test "dpcache run --null --inputs-from -: find -print0 feeds it" {
	make_tree
	find tree -type f -print0 | dpcache run --null --inputs-from - tool
	find tree -type f -print0 | dpcache run --null --inputs-from - tool
	assert_runs runs 1
	echo C >tree/sub/deep/c
	find tree -type f -print0 | dpcache run --null --inputs-from - tool
	assert_runs runs 2
}

# --- standard input ---

@test "dpcache run --stdin: the command gets it, on a miss and to the byte" {
	head -c 300000 /bin/sh >in
	dpcache run --stdin cat <in >miss
	cmp miss in
	dpcache run --stdin cat <in >hit
	cmp hit in
}

@test "dpcache run --stdin: its content is part of the key" {
	count="$(counted runs); cat"
	run -0 dpcache run --stdin sh -c "$count" <<<one
	run -0 dpcache run --stdin sh -c "$count" <<<one
	assert_output one
	assert_runs runs 1
	run -0 dpcache run --stdin sh -c "$count" <<<two
	assert_output two
	assert_runs runs 2
}

@test "dpcache run --stdin: from a pipe and from a file is one question" {
	count="$(counted runs); cat"
	echo one >in
	run -0 dpcache run --stdin sh -c "$count" <in
	run -0 dpcache run --stdin sh -c "$count" < <(cat in)
	assert_output one
	assert_runs runs 1
}

@test "dpcache run --stdin: an empty one is not none" {
	dpcache run tool </dev/null
	dpcache run --stdin tool </dev/null
	assert_runs runs 2
}

@test "dpcache run --stdin: of a file partly read, the rest counts" {
	printf '1\ncommon\n' >one
	printf '2\ncommon\n' >two
	ask() { # FILE
		{
			read -r
			dpcache run --stdin sh -c "$(counted runs); cat"
		} <"$1"
	}
	run -0 ask one
	assert_output common
	run -0 ask two
	assert_output common
	assert_runs runs 1
}

@test "dpcache run --stdin: a hit reads it to the end, as the command did" {
	printf 'one\ntwo\n' >in
	rest() {
		{
			dpcache run --stdin cat >/dev/null
			cat
		} <in
	}
	run -0 rest
	assert_output ''
	run -0 rest
	assert_output ''
}

@test "dpcache run: without --stdin the command reads an empty one" {
	run -0 dpcache run cat <<<text
	assert_output ''
}

@test "dpcache run: without --stdin a script's own is not eaten" {
	seq 3 >in
	while read -r line; do
		dpcache run cat
		dpcache run --refresh cat
		echo "$line" >>out
	done <in
	cmp in out
}

@test "dpcache run: without --stdin, what is there does not matter" {
	run -0 dpcache run tool <<<one
	run -0 dpcache run tool <<<two
	assert_runs runs 1
}

# --- names, salts, regions ---

@test "dpcache run --key: names the result, whatever the command and its surroundings" {
	mkdir elsewhere
	run -0 dpcache run --key today tool a
	cd elsewhere
	PATH=$PATH:/nowhere LANG=C run -0 dpcache run --key today tool b
	assert_output '<a>'
	assert_runs runs 1
}

@test "dpcache run --key: another name is another result" {
	twice dpcache run --key one tool
	twice dpcache run --key two tool
	assert_runs runs 2
}

@test "dpcache run --key: not the same as without" {
	twice dpcache run tool
	twice dpcache run --key tool tool
	assert_runs runs 2
}

@test "dpcache run --key: with --env and --input the named result has states" {
	echo one >in
	WHO=ann twice dpcache run --key k --env WHO --input in tool
	WHO=bob twice dpcache run --key k --env WHO --input in tool
	echo two >in
	WHO=bob twice dpcache run --key k --env WHO --input in tool
	assert_runs runs 3
}

@test "dpcache run --key: a name that is 4 KiB long, and one that differs in its last byte" {
	long=$(printf '%04096d' 0)
	twice dpcache run --key "${long}a" tool
	twice dpcache run --key "${long}b" tool
	assert_runs runs 2
}

@test "dpcache run --salt: each makes results of its own, and an empty one is not none" {
	twice dpcache run tool
	twice dpcache run --salt '' tool
	twice dpcache run --salt v1 tool
	twice dpcache run --salt v2 tool
	assert_runs runs 4
}

@test "dpcache run --salt: goes with --key too" {
	twice dpcache run --key k --salt v1 tool
	twice dpcache run --key k --salt v2 tool
	assert_runs runs 2
}

@test "dpcache run --region: keeps keys apart" {
	twice dpcache run tool
	twice dpcache run --region one tool
	twice dpcache run --region two tool
	assert_runs runs 3
}

@test "dpcache run --region: keeps names apart" {
	twice dpcache run --key k tool
	twice dpcache run --region one --key k tool
	twice dpcache run --region two --key k tool
	assert_runs runs 3
}

@test "dpcache run: a value given to one option is not taken for another's" {
	twice dpcache run --salt x tool
	twice dpcache run --region x tool
	twice dpcache run --env x tool
	twice dpcache run --input x tool
	twice dpcache run --key x tool
	assert_runs runs 5
}

# --- what lies under the key is not believed unread ---

@test "dpcache run: a shelved result of another question is not served" {
	local first second
	# A command that has lain still: its result is known by stat alone.
	twice dpcache run echo one
	first=$(find "$DPCACHE_DIR/shelf" -type f)
	twice dpcache run echo two
	second=$(find "$DPCACHE_DIR/shelf" -type f ! -path "$first")
	cp "$first" "$second"
	# Separate streams, as twice had them.
	run -0 --separate-stderr dpcache run echo two
	assert_output two
	cp "$first" "$second"
	rm "$DPCACHE_DIR/$DATABASE"*
	run -0 --separate-stderr dpcache run echo two
	assert_output two
}

@test "dpcache run: a stored result of another question is not served" {
	sqlite_only "changes an entry by SQL"
	twice dpcache run tool one
	twice dpcache run tool two
	assert_runs runs 2
	sqlite3 "$DPCACHE_DIR/cache.db" "
		CREATE TEMP TABLE was AS SELECT key, capsule FROM entry;
		UPDATE entry SET capsule = (SELECT capsule FROM was WHERE was.key <> entry.key)"
	rm -r "$DPCACHE_DIR/shelf"
	run -0 --separate-stderr dpcache run tool one
	assert_output '<one>'
	assert_one_warning damaged
	run -0 --separate-stderr dpcache run tool two
	assert_output '<two>'
	assert_runs runs 4
}

@test "dpcache run: keys swapped in the store do not swap the answers" {
	sqlite_only "changes an entry by SQL"
	twice dpcache run tool one
	twice dpcache run tool two
	sqlite3 "$DPCACHE_DIR/cache.db" "
		CREATE TEMP TABLE was AS SELECT key FROM entry;
		UPDATE entry SET key = x'00' WHERE key = (SELECT key FROM was LIMIT 1);
		UPDATE entry SET key = (SELECT key FROM was LIMIT 1)
			WHERE key = (SELECT key FROM was LIMIT 1 OFFSET 1);
		UPDATE entry SET key = (SELECT key FROM was LIMIT 1 OFFSET 1) WHERE key = x'00'"
	rm -r "$DPCACHE_DIR/shelf"
	run -0 --separate-stderr dpcache run tool one
	assert_output '<one>'
	run -0 --separate-stderr dpcache run tool two
	assert_output '<two>'
}

@test "dpcache key: is the key that run reports" {
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	echo a >in
	dpcache run --env WHO --input in --salt s tool a
	# In one open file, as there.
	dpcache key --env WHO --input in --salt s tool a >../key 2>&1
	assert_file_contains "$DPCACHE_STATUS_FILE" "\"key\":\"$(<../key)\""
}
