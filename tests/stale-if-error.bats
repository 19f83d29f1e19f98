#!/usr/bin/env bats
# dpcache run --stale-if-error: past the ttl the command runs, and what it prints
# is held back until it is known to be good; else the old result comes.
# shellcheck disable=SC2016,SC2030,SC2031,SC2120,SC2154,SC2317 # scripts in quotes;
# tests are subshells; variables are set by run and start

load helpers

setup() {
	common_setup
	make_source
	make_askers --stale-if-error 1h
}

teardown() {
	release
	end_started
}

notes() {
	find "$DPCACHE_DIR/shelf" -name '*.err'
}

break_source() {
	ask >out 2>err
	: >broken
}

# --- good and bad ---

@test "dpcache run --stale-if-error: a run that fails gives the old result and its status, and nothing of its own" {
	break_source
	assert_gives 'result 1' ask
	assert_equal "$stderr" 'notice 1'
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: a run that does not fail gives the new result, on both streams" {
	ask >out 2>err
	assert_gives 'result 2' ask
	assert_equal "$stderr" 'notice 2'
	assert_gives 'result 2' look
}

@test "dpcache run --stale-if-error: within the ttl nothing is asked" {
	break_source
	assert_gives 'result 1' look --stale-if-error 1h
	assert_runs runs 1
}

@test "dpcache run --stale-if-error: past its window the failure comes" {
	break_source
	run -3 --separate-stderr dpcache run --ttl 0 --stale-if-error 1ns -- ./source
	assert_output 'failure 2'
	assert_equal "$stderr" why
}

@test "dpcache run --stale-if-error: with nothing old the failure comes" {
	: >broken
	run -3 --separate-stderr ask
	assert_output 'failure 1'
	assert_equal "$stderr" why
}

@test "dpcache run --stale-if-error: the status of the old result is one that --cache-exit calls good" {
	command="$(counted runs); [ ! -e broken ] || exit 7; exit 5"
	run -5 dpcache run --ttl 0 --stale-if-error 1h --cache-exit 5 sh -c "$command"
	: >broken
	run -5 dpcache run --ttl 0 --stale-if-error 1h --cache-exit 5 sh -c "$command"
	run -7 dpcache run --ttl 0 --stale-if-error 1h --ttl-fail 1ns --cache-exit 5,7 sh -c "$command"
	assert_runs runs 3
}

@test "dpcache run --stale-if-error: what --cache-exit names is a result" {
	break_source
	run -3 --separate-stderr ask --cache-exit 0,3
	assert_output 'failure 2'
	run -3 --separate-stderr look --cache-exit 0,3
	assert_output 'failure 2'
}

@test "dpcache run --stale-if-error: a command that dies by a signal has failed" {
	ask >out 2>err
	echo 'kill -9 $$' >probe
	assert_gives 'result 1' ask
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: a command that --max-run ends has failed" {
	ask >out 2>err
	: >slow
	echo 'echo partial' >probe
	run -0 --separate-stderr timeout 60 dpcache run --ttl 0 --stale-if-error 1h --max-run 50ms -- ./source
	assert_output 'result 1'
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: a command that cannot be executed has failed" {
	ask --key k --ttl-fail 1ns >out 2>err
	mv source gone
	assert_gives 'result 1' ask --key k --ttl-fail 1ns
	assert_equal "$stderr" 'notice 1'
	cp gone source
	chmod -x source
	assert_gives 'result 1' ask --key k --ttl-fail 1ns
	printf '%s\n' '#!/nowhere/at/all' >source
	chmod +x source
	assert_gives 'result 1' ask --key k --ttl-fail 1ns
	assert_equal "$(find "$DPCACHE_DIR/locks" -type f)" ''
	assert_runs runs 1
}

@test "dpcache run --stale-if-error: without it a command that cannot be executed says so" {
	look --key k >out 2>err
	mv source gone
	run -127 --separate-stderr dpcache run --ttl 0 --key k -- ./source
	assert_output ''
	assert_one_warning 'not found'
}

@test "dpcache run --stale-if-error: ended by a signal to dpcache, it gives no old result" {
	ask >out 2>err
	: >slow
	start caller ask
	wait_until has_run 2
	kill -TERM "${pid_of[caller]}"
	finish caller 143
	assert_equal "$(<caller.out)" ''
	assert_equal "$(notes)" ''
}

@test "dpcache run --stale-if-error: an old result from the database alone" {
	break_source
	rm -r "$DPCACHE_DIR/shelf"
	assert_gives 'result 1' ask
}

@test "dpcache run --stale-if-error: an old result of more than 64 KiB" {
	seq 50000 >large
	echo 'cat large' >probe
	break_source
	ask >out 2>err
	head -n 50000 out | cmp - large
	assert_equal "$(tail -n 1 out)" 'result 1'
}

# --- held back ---

@test "dpcache run --stale-if-error: nothing is shown before it has ended well" {
	ask >out 2>err
	: >slow
	echo 'echo early' >probe
	start caller ask
	wait_until has_run 2
	assert_equal "$(<caller.out)" ''
	release
	finish caller
	assert_equal "$(<caller.out)" $'early\nresult 2'
	assert_equal "$(<caller.err)" 'notice 2'
}

@test "dpcache run --stale-if-error: what was held back keeps its order where both streams are one" {
	printf '%s\n' 'i=0; while [ $i -lt 50 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done' >probe
	for ((i = 0; i < 50; i++)); do printf 'out %d\nerr %d\n' "$i" "$i"; done >expected
	ask >both 2>&1
	printf 'result 1\nnotice 1\n' | cat expected - | diff - both
	ask >both 2>&1
	printf 'result 2\nnotice 2\n' | cat expected - | diff - both
}

@test "dpcache run --stale-if-error: what was held back is more than 64 KiB" {
	seq 100000 >large
	ask >out 2>err
	echo 'cat large' >probe
	ask >out 2>err
	head -n 100000 out | cmp - large
	assert_equal "$(tail -n 1 out)" 'result 2'
}

@test "dpcache run --stale-if-error: more than --max-output goes through from there, whole and in order" {
	seq 30000 >large
	ask >out 2>err
	printf '%s\n' 'echo before' 'cat large' 'echo after' 'mkfifo rest' 'read -r go <rest' >probe
	start caller ask --max-output 1k
	# It is shown though the command is still at work.
	wait_until grep -q after caller.out
	echo go >rest
	finish caller
	{ echo before; cat large; echo after; echo 'result 2'; } | cmp - caller.out
	assert_gives 'result 1' look
}

@test "dpcache run --stale-if-error: more than --max-output keeps its order where both streams are one" {
	printf '%s\n' 'i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i + 1)); done' >probe
	for ((i = 0; i < 2000; i++)); do printf 'out %d\nerr %d\n' "$i" "$i"; done >expected
	ask >both 2>&1
	ask --max-output 1k >both 2>&1
	printf 'result 2\nnotice 2\n' | cat expected - | cmp - both
}

@test "dpcache run --stale-if-error: more than --max-output that then fails has been shown, and fails" {
	seq 30000 >large
	break_source
	echo 'cat large' >probe
	status=0
	ask --max-output 1k >out 2>err || status=$?
	assert_equal "$status" 3
	{ cat large; echo 'failure 2'; } | cmp - out
	assert_equal "$(<err)" why
}

@test "dpcache run --stale-if-error: a result that is not remembered is shown" {
	ask >out 2>err
	assert_gives 'result 2' ask --no-write
	assert_gives 'result 3' ask --no-coalesce
	echo 1 >input
	ask --input input >out 2>err
	echo 'echo 2 >input' >probe
	assert_gives 'result 5' ask --input input
}

@test "dpcache run --stale-if-error: a disk that takes no more does not keep what was held back" {
	yes result | head -n 100000 >large
	ask >out 2>err
	printf '%s\n' 'echo first >&2' 'cat large' >probe
	(ulimit -f 64 && ask 2>err) | cat >out
	{ cat large; echo 'result 2'; } | cmp - out
	assert_equal "$(grep -v ^dpcache: err)" $'first\nnotice 2'
	assert_equal "$(grep -c ^dpcache: err)" 1
}

# --- how often ---

@test "dpcache run --stale-if-error: a source that fails is left alone for a while" {
	break_source
	for _ in 1 2 3 4 5; do assert_gives 'result 1' ask --ttl-fail 1h; done
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: the pause is the asker's" {
	break_source
	assert_gives 'result 1' ask --ttl-fail 1h
	assert_gives 'result 1' ask --ttl-fail 1ns
	assert_runs runs 3
	assert_gives 'result 1' ask --ttl-fail 1h
	assert_runs runs 3
}

@test "dpcache run --stale-if-error: once the source answers, there is no pause" {
	break_source
	assert_gives 'result 1' ask --ttl-fail 1h
	rm broken
	assert_gives 'result 3' ask --ttl-fail 1ns
	assert_equal "$(notes)" ''
	assert_gives 'result 4' ask --ttl-fail 1h
}

@test "dpcache run --stale-if-error: in the pause the core answers as the front does" {
	break_source
	assert_gives 'result 1' ask --ttl-fail 1h
	assert_gives 'result 1' "$BUILD/dpcache-core" run --ttl 0 --stale-if-error 1h --ttl-fail 1h -- ./source
	mv "$DPCACHE_DIR"/shelf/*/*.err note
	name=$(dpcache key -- ./source 2>err)
	rm -r "$DPCACHE_DIR/shelf"
	mkdir -p "$DPCACHE_DIR/shelf/${name:0:2}"
	cp note "$DPCACHE_DIR/shelf/${name:0:2}/${name:2}.err"
	assert_gives 'result 1' ask --ttl-fail 1h
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: a caller without it runs in the pause, too" {
	break_source
	assert_gives 'result 1' ask --ttl-fail 1h
	run -3 --separate-stderr dpcache run --ttl 0 -- ./source
	assert_output 'failure 3'
}

@test "dpcache run --stale-if-error --refresh: runs in the pause, too; its failure gives the old result" {
	break_source
	assert_gives 'result 1' ask --ttl-fail 1h
	assert_runs runs 2
	assert_gives 'result 1' ask --refresh --ttl-fail 1h
	assert_runs runs 3
	# Nor has it taken the old result's place.
	assert_gives 'result 1' ask
}

@test "dpcache run --refresh without --stale-if-error: its failure is shown, and replaces nothing good" {
	break_source
	run -3 --separate-stderr dpcache run --ttl 1h --ttl-fail 1h --refresh -- ./source
	assert_gives 'result 1' dpcache run --ttl 1h --ttl-fail 1h -- ./source
}

@test "dpcache run --stale-if-error --ttl-fail: the failure does not take the old result's place" {
	break_source
	assert_gives 'result 1' ask --ttl-fail 1h
	assert_gives 'result 1' look --ttl-fail 1h
	assert_gives 'result 1' ask --ttl-fail 1h
}

@test "dpcache run --stale-if-error: a damaged note of failures is none" {
	break_source
	assert_gives 'result 1' ask --ttl-fail 1h
	flip_byte "$(notes)" 12
	assert_gives 'result 1' ask --ttl-fail 1h
	assert_runs runs 3
}

# --- many at once ---

@test "dpcache run --stale-if-error: 50 callers of a failing command cost one run, and all have the old result" {
	break_source
	: >slow
	start leader ask --ttl-fail 1h
	wait_until has_run 2
	mapfile -t names < <(seq 49)
	for name in "${names[@]}"; do start "$name" ask --ttl-fail 1h; done
	wait_until assert_blocked 49 "${names[@]}"
	release
	for name in leader "${names[@]}"; do
		finish "$name"
		assert_equal "$name: $(<"$name.out")" "$name: result 1"
		assert_equal "$name: $(<"$name.err")" "$name: notice 1"
	done
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: so do 50 that come as they like" {
	break_source
	mapfile -t names < <(seq 50)
	for name in "${names[@]}"; do start "$name" ask --ttl-fail 1h; done
	for name in "${names[@]}"; do
		finish "$name"
		assert_equal "$name: $(<"$name.out")" "$name: result 1"
	done
	assert_runs runs 2
}

@test "dpcache run: 50 callers of a failing command with nothing old cost one run" {
	: >broken
	: >slow
	start leader look
	wait_until has_run 1
	mapfile -t names < <(seq 49)
	for name in "${names[@]}"; do start "$name" look; done
	wait_until assert_blocked 49 "${names[@]}"
	release
	for name in leader "${names[@]}"; do
		finish "$name" 3
		assert_equal "$name: $(<"$name.out")" "$name: failure 1"
	done
	assert_runs runs 1
}

@test "dpcache run --stale-if-error: those who wait and may not have the old result have the failure" {
	break_source
	: >slow
	start leader ask
	wait_until has_run 2
	start within ask
	start past dpcache run --ttl 0 --stale-if-error 1ns -- ./source
	start without dpcache run --ttl 0 -- ./source
	wait_until assert_blocked 3 within past without
	release
	finish leader
	finish within
	finish past 3
	finish without 3
	assert_equal "$(cat leader.out within.out)" $'result 1\nresult 1'
	assert_equal "$(cat past.out without.out)" $'failure 2\nfailure 2'
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: those who wait for a leader without it have the old result, too" {
	break_source
	: >slow
	start leader dpcache run --ttl 0 -- ./source
	wait_until has_run 2
	start within ask
	wait_until assert_blocked 1 within
	release
	finish leader 3
	finish within
	assert_equal "$(<within.out)" 'result 1'
	assert_runs runs 2
}

@test "dpcache run --stale-if-error: those who wait have the new result as the leader has" {
	ask >out 2>err
	: >slow
	start leader ask
	wait_until has_run 2
	start follower ask
	wait_until assert_blocked 1 follower
	release
	finish leader
	finish follower
	assert_equal "$(cat leader.out follower.out)" $'result 2\nresult 2'
	assert_runs runs 2
}

# --- with --stale ---

@test "dpcache run --stale --stale-if-error: first at once, then only for want of a newer one" {
	break_source
	both() { # STALE
		dpcache run --ttl 0 --stale "$1" --stale-if-error 1h --ttl-fail 1ns -- ./source
	}
	assert_gives 'result 1' both 1h
	wait_until has_run 2
	refreshed
	assert_gives 'result 1' both 1ns
	assert_runs runs 3
	rm broken
	assert_gives 'result 4' both 1ns
}

@test "dpcache run --stale --stale-if-error --refresh-mode fg: a refresh that fails gives the old result" {
	break_source
	assert_gives 'result 1' dpcache run --ttl 0 --stale 1h --stale-if-error 1h --refresh-mode fg -- ./source
	assert_equal "$stderr" 'notice 1'
	assert_runs runs 2
	rm broken
	assert_gives 'result 3' dpcache run --ttl 0 --stale 1h --stale-if-error 1h --ttl-fail 1ns \
		--refresh-mode fg -- ./source
}

# --- what is said ---

@test "dpcache run --stale-if-error: stale, with the reason, in status and log" {
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	break_source
	ask >out 2>err
	assert_decision stale
	jq -e '.exit == 0 and .age > 0 and (.reason | contains("error"))' "$DPCACHE_STATUS_FILE"
	rm broken
	ask --ttl-fail 1ns >out 2>err
	assert_decision miss
	run -0 jq -r .status "$DPCACHE_LOG"
	assert_output $'miss\nstale\nmiss'
	assert_json '.stale == 1' dpcache stats --json
}
