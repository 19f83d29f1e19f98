#!/usr/bin/env bats
# dpcache run --output: files that the command wrote, kept with its result and put
# back on a hit.
# shellcheck disable=SC2016,SC2154,SC2317 # scripts in quotes; set by helpers.bash

load helpers

setup() {
	common_setup
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/status
}

teardown() {
	end_started
}

# ./maker, which writes "N" into the files that are its arguments in its Nth run, and
# says so. "idle" makes it write none; "also" is a script that it runs at its end.
make_maker() {
	printf '%s\n' '#!/bin/sh' "$(numbered runs)" \
		'for f; do [ -e idle ] || { mkdir -p "$(dirname "$f")"; echo "$n" >"$f"; }; done' \
		'echo "made $n"' '[ ! -e also ] || . ./also' >maker
	chmod 755 maker
}

# Everything about a file that would show that it was touched.
identity() { # FILE...
	stat -c '%n %i %y %z %a %s' "$@"
}

assert_reason() { # TEXT
	assert_equal "$(jq -r .reason "$DPCACHE_STATUS_FILE")" "$1"
}

assert_no_leavings() {
	assert_equal "$(find . -name '.dpcache-*')" ''
}

# asks WHAT OPTION... COMMAND: which says what dpcache run has made of it.
asks() {
	local decision=$1
	shift
	run -0 --separate-stderr dpcache run "$@"
	assert_equal "$stderr" ''
	assert_decision "$decision"
}

# --- kept, and put back ---

@test "an output that is missing is put back, with its mode" {
	make_maker
	echo 'chmod 751 out' >also
	asks miss --output out ./maker out
	rm out
	asks hit --output out ./maker out
	assert_output 'made 1'
	assert_equal "$(cat out)" 1
	assert_equal "$(stat -c %a out)" 751
	assert_runs runs 1
}

@test "an output has the umask's mode no more than it had then" {
	umask 022
	make_maker
	echo 'chmod 666 out' >also
	asks miss --output out ./maker out
	rm out
	asks hit --output out ./maker out
	assert_equal "$(stat -c %a out)" 666
}

@test "an output that was put back has the present time" {
	make_maker
	echo 'touch -d 2001-01-01 out' >also
	asks miss --output out ./maker out
	rm out
	touch before
	asks hit --output out ./maker out
	[ ! out -ot before ]
}

@test "outputs that are put back have one and the same time" {
	make_maker
	# The second takes a while to write.
	echo 'head -c 20M /dev/zero >out.b' >also
	asks miss --output 'out*' ./maker out.a out.b
	rm out.*
	asks hit --output 'out*' ./maker out.a out.b
	[ ! out.a -nt out.b ]
	[ ! out.a -ot out.b ]
}

@test "an output that was altered is put back, by another inode" {
	make_maker
	asks miss --output out ./maker out
	echo else >out
	ln out other
	asks hit --output out ./maker out
	assert_equal "$(cat out)" 1
	assert_equal "$(cat other)" else
}

@test "an output altered under its old size and times is put back" {
	make_maker
	asks miss --output out ./maker out
	cp -p out times
	echo 7 >out
	touch -r times out
	asks hit --output out ./maker out
	assert_equal "$(cat out)" 1
}

@test "an output with another mode is put back" {
	make_maker
	asks miss --output out ./maker out
	chmod 600 out
	asks hit --output out ./maker out
	assert_equal "$(stat -c %a out)" 644
}

@test "outputs that are as they were are not touched" {
	make_maker
	asks miss --output out --output dir/out ./maker out dir/out
	identity out dir dir/out >before
	asks hit --output out --output dir/out ./maker out dir/out
	identity out dir dir/out | diff before -
}

@test "an output with the same content and another time is not touched" {
	make_maker
	asks miss --output out ./maker out
	cp out copy
	mv copy out
	touch -d 2001-01-01 out
	identity out >before
	asks hit --output out ./maker out
	identity out | diff before -
}

@test "of several outputs those that differ are put back, and no other" {
	make_maker
	asks miss --output a --output b --output c ./maker a b c
	echo else >b
	rm c
	identity a >before
	asks hit --output a --output b --output c ./maker a b c
	assert_equal "$(cat a b c)" $'1\n1\n1'
	identity a | diff before -
}

@test "directories on the way are made again" {
	make_maker
	asks miss --output some/where/deep/out ./maker some/where/deep/out
	rm -r some
	asks hit --output some/where/deep/out ./maker some/where/deep/out
	assert_equal "$(cat some/where/deep/out)" 1
}

@test "an output is put back in a directory that is called by another name" {
	make_maker
	mkdir here
	cd here
	asks miss --no-cwd --output out ../maker out
	mkdir ../there
	cd ../there
	asks hit --no-cwd --output out ../maker out
	assert_equal "$(cat out)" 1
	assert_runs runs 1
}

@test "an empty file, names of all kinds and bytes of all kinds" {
	printf '%s\n' '#!/bin/sh' 'mkdir out' ': >out/empty' 'head -c 200000 /dev/urandom >out/noise' \
		'printf "\0\1\377\n" >"out/a
b"' 'echo x >"$(printf "out/\377\001*")"' >it
	chmod 755 it
	asks miss --output 'out/*' ./it
	cp -r out kept
	rm -r out
	asks hit --output 'out/*' ./it
	diff -r kept out
	rm -r out
	asks hit --output 'out/*' ./it
	diff -r kept out
}

@test "ten thousand small outputs" {
	printf '%s\n' '#!/bin/sh' 'mkdir out; cd out; seq 10000 | split -l 1 -a 4 -' >it
	chmod 755 it
	asks miss --output 'out/*' ./it
	cp -r out kept
	rm -r out
	asks hit --output 'out/*' ./it
	diff -r kept out
	assert_equal "$(find out -type f | wc -l)" 10000
	rm out/xaaab out/xaoup
	asks hit --output 'out/*' ./it
	diff -r kept out
	assert_no_leavings
}

@test "a large output costs no memory" {
	[ -z "${DPC_TEST_CFLAGS-}" ] || skip 'AddressSanitizer needs more'
	printf '%s\n' '#!/bin/sh' 'head -c 300000000 /dev/zero >out; echo end >>out' >it
	chmod 755 it
	(
		ulimit -d 40000
		asks miss --max-output 1g --output out ./it
		rm out
		asks hit --max-output 1g --output out ./it
	)
	assert_equal "$(stat -c %s out)" 300000004
	assert_equal "$(tail -c 4 out)" end
}

@test "large outputs between small ones come back each as it was" {
	printf '%s\n' '#!/bin/sh' 'for i in 1 70000 5 65536 65535 0 200001; do' \
		'head -c $i /dev/urandom >out.$i; done; head -c 9000 /dev/zero' >it
	chmod 755 it
	asks miss --output 'out.*' ./it
	mkdir kept
	cp out.* kept
	rm out.*
	asks hit --output 'out.*' ./it
	for f in out.*; do cmp "$f" "kept/$f"; done
	assert_equal "$(find . -maxdepth 1 -name 'out.*' | wc -l)" 7
}

# --- which ---

@test "a pattern keeps what it matches, and only that" {
	make_maker
	asks miss --output '*.o' ./maker a.o b.o c.x
	rm a.o b.o c.x
	asks hit --output '*.o' ./maker a.o b.o c.x
	assert_equal "$(cat a.o b.o)" $'1\n1'
	assert_not_exists c.x
}

@test "a pattern may match nothing" {
	make_maker
	asks miss --output 'no*' --output 'no/such/*' ./maker
	asks hit --output 'no*' --output 'no/such/*' ./maker
	assert_runs runs 1
}

@test "a file whose name is a pattern is that file" {
	make_maker
	asks miss --output 'x*' ./maker 'x*' xy
	rm 'x*' xy
	asks hit --output 'x*' ./maker 'x*' xy
	assert_exists 'x*'
	assert_not_exists xy
}

@test "one file by two names is kept once" {
	make_maker
	asks miss --output out --output ./out --output 'o*' --output "$PWD/out" ./maker out
	rm out
	asks hit --output out --output ./out --output 'o*' --output "$PWD/out" ./maker out
	assert_equal "$(cat out)" 1
	run dpcache show --json "$(dpcache ls | awk 'END {print $1}')"
	assert_equal "$(jq -c '[.outputs[].path]' <<<"$output")" '["out"]'
}

@test "an absolute path below the working directory, also as the shell calls it" {
	make_maker
	ln -s "$PWD" "$BATS_TEST_TMPDIR/link"
	cd "$BATS_TEST_TMPDIR/link"
	asks miss --output "$PWD/out" ./maker out
	rm out
	asks hit --output "$PWD/out" ./maker out
	assert_equal "$(cat out)" 1
}

@test "what is not below the working directory is refused" {
	mkdir -p sub
	for path in ../out /etc/passwd . ./ '' sub/../../out sub/.. sub/ "$PWD" "${PWD}x/out" '../*'; do
		assert_usage_error dpcache run --output "$path" true
		assert_usage_error dpcache key --output "$path" true
	done
}

@test "what is input and output is refused" {
	assert_usage_error dpcache run --output file --input file true
	assert_usage_error dpcache run --output file --input ./file true
	assert_usage_error dpcache run --output "$PWD/file" --input file true
	assert_usage_error dpcache run --output file --inputs-from <(printf 'a\nfile\n') true
	run -0 dpcache run --output file --inputs-from <(printf 'a\nfiles\n') sh -c ': >file'
}

@test "other outputs make another question" {
	make_maker
	dpcache run --output a ./maker a b
	dpcache run --output b ./maker a b
	dpcache run --output a --output b ./maker a b
	dpcache run ./maker a b
	assert_runs runs 4
	dpcache run --output b --output a ./maker a b
	assert_runs runs 4
}

@test "key --explain names them" {
	run -0 dpcache key --explain --output out/a --output 'b*' true
	assert_line 'output out/a'
	assert_line 'output b*'
}

@test "show lists them" {
	make_maker
	echo 'chmod 640 b' >also
	asks miss --output a --output b ./maker a b
	key=$(jq -r .key "$DPCACHE_STATUS_FILE")
	run -0 dpcache show "$key"
	assert_line 'output    a (2 bytes, mode 0644)'
	assert_line 'output    b (2 bytes, mode 0640)'
	assert_json '[.outputs[] | [.path, .size, .mode]] == [["a", 2, "0644"], ["b", 2, "0640"]]' \
		dpcache show --json "$key"
	asks miss ./maker
	assert_json '.outputs == []' dpcache show --json "$(jq -r .key "$DPCACHE_STATUS_FILE")"
}

# --- what is not remembered ---

# Runs twice, for this reason.
assert_not_kept() { # REASON RUN-OPTION... COMMAND
	local reason=$1
	shift
	for _ in 1 2; do
		asks miss "$@"
		assert_reason "not remembered: $reason"
	done
}

@test "an output that the run did not make: not remembered, and the status passes" {
	make_maker
	assert_not_kept 'an output is missing' --output out --output other ./maker out
	echo 'exit 3' >also
	run -3 dpcache run --cache-exit 3 --output other ./maker out
	assert_reason 'not remembered: an output is missing'
}

@test "an output that is no regular file: not remembered" {
	make_maker
	mkdir dir
	echo 'ln -sfn maker link; [ -p pipe ] || mkfifo pipe; cp maker set; chmod 4755 set' >also
	for name in dir link pipe set; do
		assert_not_kept 'an output cannot be kept' --output $name ./maker
		assert_not_kept 'an output cannot be kept' --output "${name:0:2}[${name:2}]*" ./maker
	done
}

@test "an output behind a symbolic link: not remembered" {
	make_maker
	mkdir real
	ln -s real alias
	assert_not_kept 'an output cannot be kept' --output alias/out ./maker real/out
}

@test "outputs count for --max-output" {
	make_maker
	echo 'head -c 500 /dev/zero | tee some >more' >also
	assert_not_kept 'larger than --max-output' --max-output 1006 --output some --output more ./maker
	asks miss --max-output 1007 --output some --output more ./maker
	asks hit --max-output 1007 --output some --output more ./maker
}

@test "of a failure that is remembered no outputs are kept" {
	make_maker
	echo 'exit 3' >also
	run -3 dpcache run --ttl-fail 1h --output out --output other ./maker out
	rm out
	run -3 dpcache run --ttl-fail 1h --output out --output other ./maker out
	assert_decision hit
	assert_not_exists out
}

@test "an exit status that is a good result has outputs" {
	make_maker
	echo 'exit 3' >also
	run -3 dpcache run --cache-exit 3 --output out ./maker out
	rm out
	run -3 dpcache run --cache-exit 3 --output out ./maker out
	assert_decision hit
	assert_equal "$(cat out)" 1
}

# --- what is in the way ---

@test "a link in an output's place is replaced, and what it points to is left alone" {
	make_maker
	asks miss --output out ./maker out
	echo secret >"$BATS_TEST_TMPDIR/outside"
	ln -sf "$BATS_TEST_TMPDIR/outside" out
	asks hit --output out ./maker out
	assert_equal "$(cat "$BATS_TEST_TMPDIR/outside")" secret
	[ ! -L out ]
	assert_equal "$(cat out)" 1
}

@test "a link in a directory's place: nothing is written, and the command runs" {
	make_maker
	asks miss --output dir/out ./maker dir/out
	rm -r dir
	mkdir "$BATS_TEST_TMPDIR/outside"
	ln -s "$BATS_TEST_TMPDIR/outside" dir
	touch idle
	asks miss --output dir/out ./maker dir/out
	assert_output 'made 2'
	assert_equal "$(ls -A "$BATS_TEST_TMPDIR/outside")" ''
}

@test "a link further up, also to a place below the working directory: the command runs" {
	make_maker
	asks miss --output a/b/c/out ./maker a/b/c/out
	mv a/b real
	ln -s ../real a/b
	rm real/c/out
	touch idle
	asks miss --output a/b/c/out ./maker a/b/c/out
	assert_not_exists real/c/out
}

@test "a directory in an output's place: the command runs" {
	make_maker
	asks miss --output out ./maker out
	rm out
	mkdir out
	touch idle
	asks miss --output out ./maker out
	assert_dir_exists out
	assert_output 'made 2'
}

@test "what cannot be put back says why, and is remembered anew" {
	make_maker
	asks miss --output dir/out ./maker dir/out
	rm -r dir
	echo file >dir
	touch idle
	echo '[ -d dir ] || { rm dir; mkdir dir; echo "$n" >dir/out; }' >also
	run -0 --separate-stderr dpcache run --output dir/out ./maker dir/out
	assert_decision miss
	assert_reason 'an output cannot be put back'
	rm -r dir
	asks hit --output dir/out ./maker dir/out
	assert_equal "$(cat dir/out)" 2
}

@test "of two outputs one cannot be put back: neither is, and the command runs" {
	make_maker
	asks miss --output a --output dir/b ./maker a dir/b
	echo mine >a
	rm -r dir
	echo file >dir
	touch idle
	asks miss --output a --output dir/b ./maker a dir/b
	assert_equal "$(cat a dir)" $'mine\nfile'
	assert_no_leavings
}

@test "a directory that may not be written to: the command runs" {
	make_maker
	asks miss --output a --output dir/out ./maker a dir/out
	rm -r a dir
	touch idle
	with_mounts '
		mkdir dir
		mount -t tmpfs -o ro none dir
		dpcache run --output a --output dir/out ./maker a dir/out >out 2>err
		ls -A dir >listed'
	assert_decision miss
	assert_equal "$(cat out err listed)" 'made 2'
	assert_not_exists a
	assert_no_leavings
}

@test "a disk that is full: the command runs, and nothing is half written" {
	make_maker
	echo 'head -c 300000 /dev/zero >dir/out' >also
	asks miss --output a --output dir/out ./maker a dir/out
	rm -r a dir
	echo : >also
	touch idle
	with_mounts '
		mkdir dir
		mount -t tmpfs -o size=64k none dir
		dpcache run --output a --output dir/out ./maker a dir/out >out 2>err
		ls -A dir >listed'
	assert_decision miss
	assert_equal "$(cat out err listed)" 'made 2'
	assert_not_exists a
	assert_no_leavings
}

@test "a limit on the size of files: the command runs" {
	make_maker
	echo 'head -c 300000 /dev/zero >big' >also
	asks miss --output big ./maker
	rm big
	echo : >also
	(
		ulimit -f 100
		asks miss --output big ./maker
		assert_output 'made 2'
	)
	assert_not_exists big
	assert_no_leavings
}

@test "contents that are damaged in the cache: nothing is written, and the command runs" {
	make_maker
	echo 'head -c 300000 /dev/zero >big' >also
	asks miss --output a --output big ./maker a
	rm a big
	file=$(find "$DPCACHE_DIR/data" -type f)
	flip_byte "$file" $(($(stat -c %s "$file") - 10000))
	run -0 --separate-stderr dpcache run --output a --output big ./maker a
	assert_output 'made 2'
	assert_decision miss
	assert_equal "$(cat a)" 2
	cmp big <(head -c 300000 /dev/zero)
	asks hit --output a --output big ./maker a
}

@test "doctor sees damage in an output" {
	make_maker
	echo 'head -c 300000 /dev/zero >big' >also
	dpcache run --output a --output big ./maker a
	run -0 dpcache doctor
	file=$(find "$DPCACHE_DIR/data" -type f)
	flip_byte "$file" $(($(stat -c %s "$file") - 10000))
	run dpcache doctor
	assert_failure
	assert_output --partial 'damaged'
}

@test "from the store, too, when the shelf has lost it" {
	make_maker
	echo 'head -c 300000 /dev/zero >big' >also
	asks miss --output a ./maker a
	asks miss --output a --output big ./maker a
	rm -r "$DPCACHE_DIR/shelf" a big
	asks hit --output a ./maker a
	assert_equal "$(cat a)" 1
	asks hit --output a --output big ./maker a
	assert_equal "$(cat a)" 2
	cmp big <(head -c 300000 /dev/zero)
}

@test "a cache that has no room for an output: printed whole, with one warning, and not remembered" {
	make_maker
	echo 'head -c 3000000 /dev/zero >big' >also
	with_mounts '
		mkdir -m 700 small
		mount -t tmpfs -o size=1m,mode=700 none small
		DPCACHE_DIR=$PWD/small dpcache run --output big ./maker >out 2>err
		echo $? >status
		DPCACHE_DIR=$PWD/small dpcache run ./maker >out2 2>err2
		DPCACHE_DIR=$PWD/small dpcache run ./maker >>out2 2>>err2'
	assert_equal "$(cat out status)" $'made 1\n0'
	assert_equal "$(grep -c '^dpcache: .*not remembered$' err)" 1
	assert_equal "$(grep -c '' err)" 1
	# Nothing of it is left there.
	assert_equal "$(cat out2 err2)" $'made 2\nmade 2'
}

# --- killed over it ---

# Asks again, and is killed at this system call.
killed_at() { # SYSCALL RUN-OPTION... COMMAND
	local call=$1
	shift
	run --separate-stderr strace -qq -o trace -e "inject=$call:signal=KILL" "$BUILD/dpcache" run "$@"
	grep -q SIGKILL trace || skip 'strace cannot do that here'
}

@test "killed while it writes: nothing under the name, and the next one clears away" {
	make_maker
	echo 'head -c 300000 /dev/zero >dir/big' >also
	asks miss --output dir/big ./maker dir/x
	rm dir/big
	killed_at copy_file_range --output dir/big ./maker dir/x
	assert_not_exists dir/big
	assert_equal "$(find dir -name '.dpcache-*' | wc -l)" 1
	asks hit --output dir/big ./maker dir/x
	cmp dir/big <(head -c 300000 /dev/zero)
	assert_no_leavings
}

@test "killed between two: each is what it was or what it ought to be" {
	make_maker
	asks miss --output a --output b ./maker a b
	echo mine >a
	echo mine >b
	killed_at renameat,renameat2 --output a --output b ./maker a b
	for f in a b; do [[ $(<$f) == mine || $(<$f) == 1 ]]; done
	asks hit --output a --output b ./maker a b
	assert_equal "$(cat a b)" $'1\n1'
	assert_no_leavings
}

@test "what is being written by somebody alive is not cleared away" {
	make_maker
	asks miss --output a ./maker a
	rm a
	echo mine >.dpcache-$$-00000000-0
	asks hit --output a ./maker a
	assert_exists .dpcache-$$-00000000-0
}

@test "somebody's own file is not cleared away, however near its name comes" {
	make_maker
	asks miss --output a ./maker a
	rm a
	# Nobody has such a pid.
	names=(.dpcache-5000000 .dpcache-5000000-0000000f-1.c .dpcache-5000000-f-1 .dpcache-05000000-0000000f-1)
	touch "${names[@]}" .dpcache-5000000-0000000f-1
	asks hit --output a ./maker a
	for name in "${names[@]}"; do assert_exists "$name"; done
	assert_not_exists .dpcache-5000000-0000000f-1
}

@test "a pattern does not match what is being put back" {
	make_maker
	asks miss --output '.[de]*' sh -c 'touch .dpcache-1-0000000f-1 .dpcache .e; rm -f out'
	assert_json '[.outputs[].path] == [".dpcache", ".e"]' dpcache show --json "$(jq -r .key "$DPCACHE_STATUS_FILE")"
}

# --- many at once ---

# Held until release, in its first run; then it writes "out".
make_slow() {
	make_hold
	printf '%s\n' '#!/bin/sh' "$(numbered runs)" "if mkdir '$PWD/once' 2>/dev/null; then $(held); fi" \
		'echo "$n" >out; echo "made $n"' >slow
	chmod 755 slow
}

@test "twenty who come cold: one runs, and all have its output" {
	make_slow
	unset DPCACHE_STATUS_FILE
	for i in {1..20}; do start c$i dpcache run --output out ./slow; done
	wait_until has_run 1
	release
	for i in {1..20}; do
		finish c$i
		assert_equal "$(cat c$i.out c$i.err)" 'made 1'
	done
	assert_equal "$(cat out)" 1
	assert_runs runs 1
}

@test "twenty hits that all find it missing" {
	make_maker
	asks miss --output dir/out ./maker dir/out
	rm -r dir
	unset DPCACHE_STATUS_FILE
	for i in {1..20}; do start c$i dpcache run --output dir/out ./maker dir/out; done
	for i in {1..20}; do
		finish c$i
		assert_equal "$(cat c$i.out c$i.err)" 'made 1'
	done
	assert_equal "$(cat dir/out)" 1
	assert_runs runs 1
	assert_no_leavings
}

# Who waits, in another directory, for the run of ./slow with these options.
follow_elsewhere() { # RUN-OPTION...
	make_slow
	mkdir there
	start leader dpcache run --no-cwd --output out "$@" "$PWD/slow"
	wait_until has_run 1
	cd there || return
	start other dpcache run --no-cwd --output out "$@" "$OLDPWD/slow"
	wait_until is_blocked "${pid_of[other]}"
	release
	finish other
	finish leader
	assert_equal "$(cat other.out other.err)" 'made 1'
	assert_equal "$(cat out)" 1
	assert_runs runs 1
}

@test "who waits in another directory gets the files there" {
	follow_elsewhere
}

@test "who waits in another directory for what is not to be remembered gets them, too" {
	follow_elsewhere --no-write
}

@test "who waits in another directory for a run whose output is missing runs it" {
	make_slow
	mkdir there
	start leader dpcache run --no-cwd --output nothing "$PWD/slow"
	wait_until has_run 1
	cd there
	start other dpcache run --no-cwd --output nothing "$OLDPWD/slow"
	wait_until is_blocked "${pid_of[other]}"
	release
	finish other
	finish leader
	assert_equal "$(cat other.out)" 'made 2'
}

@test "with --follow the files are there before anything is shown" {
	make_slow
	mkdir there
	start leader dpcache run --no-cwd --output out "$PWD/slow"
	wait_until has_run 1
	cd there
	start other dpcache run --follow always --no-cwd --output out "$OLDPWD/slow"
	wait_until is_blocked "${pid_of[other]}"
	release
	finish other
	assert_equal "$(cat other.out)" 'made 1'
	assert_equal "$(cat out)" 1
}

# --- what is old ---

@test "a stale hit puts its output back, and the refresh writes the new one" {
	make_maker
	asks miss --output out ./maker out
	rm out
	asks stale --ttl 0 --stale 1h --refresh-mode bg --output out ./maker out
	refreshed
	asks hit --output out ./maker out
	assert_equal "$(cat out)" 2
}

@test "a run that fails: the old output comes back with the old result" {
	make_maker
	asks miss --output out ./maker out
	echo 'exit 3' >also
	asks stale --ttl 0 --stale-if-error 1h --output out ./maker out
	assert_output 'made 1'
	assert_equal "$(cat out)" 1
}

@test "a refresh that does not make the output leaves the old result" {
	make_maker
	asks miss --output out ./maker out
	rm out
	touch idle
	asks miss --refresh --output out ./maker out
	assert_reason 'not remembered: an output is missing'
	asks hit --output out ./maker out
	assert_equal "$(cat out)" 1
}
