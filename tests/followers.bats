#!/usr/bin/env bats
# dpcache run: of many who ask the same at once, one runs it.
#
# The leader's command stops at a fifo until the test has seen the others
# blocked in flock; then it is let go.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # scripts in quotes;
# tests are subshells; stderr is set by run --separate-stderr

load helpers

setup() {
	common_setup
	make_hold
	SLOW="$(counted runs); $(held); echo result; echo notice >&2"
}

teardown() {
	end_started
}

# A leader at work, and followers a, b, c waiting for it.
start_leader_and_followers() { # OPTION...
	start leader dpcache run "$@" sh -c "$SLOW"
	wait_until has_run 1
	for name in a b c; do start "$name" dpcache run "$@" sh -c "$SLOW"; done
	wait_until assert_blocked 3 a b c
}

assert_results() { # STATUS NAME...
	local status=$1 name
	shift
	for name in "$@"; do
		finish "$name" "$status"
		assert_equal "$name: $(<"$name.out")" "$name: result"
		assert_equal "$name: $(<"$name.err")" "$name: notice"
	done
}

lock_files() {
	find "$DPCACHE_DIR/locks" -type f
}

is_dead() { # PID
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	# Nobody may be there to reap it.
	[[ $stat == *') Z '* ]]
}

# --- one run for all ---

@test "dpcache run: those who wait get the leader's bytes and status" {
	start_leader_and_followers
	release
	assert_results 0 leader a b c
	assert_runs runs 1
}

@test "dpcache run: of many who come cold at once, one runs" {
	names=(1 2 3 4 5 6 7 8)
	for name in "${names[@]}"; do start "$name" dpcache run sh -c "$SLOW"; done
	wait_until has_run 1
	wait_until assert_blocked 7 "${names[@]}"
	release
	assert_results 0 "${names[@]}"
	assert_runs runs 1
}

@test "dpcache run: of many who come to an expired result at once, one runs" {
	names=(1 2 3 4 5 6)
	quick="$(counted runs); [ ! -e stale ] || $(held); echo result; echo notice >&2"
	dpcache run sh -c "$quick" >out 2>err
	assert_runs runs 1
	: >stale
	for name in "${names[@]}"; do start "$name" dpcache run --ttl 1ns sh -c "$quick"; done
	wait_until has_run 2
	wait_until assert_blocked 5 "${names[@]}"
	release
	assert_results 0 "${names[@]}"
	assert_runs runs 2
}

@test "dpcache run: a follower says so in its status line" {
	start_leader_and_followers
	DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision start d dpcache run sh -c "$SLOW"
	wait_until assert_blocked 1 d
	release
	assert_results 0 leader a b c d
	DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision assert_decision follow
}

@test "dpcache run: front and core follow and lead each other" {
	start leader "$BUILD/dpcache-core" run sh -c "$SLOW"
	wait_until has_run 1
	start a dpcache run sh -c "$SLOW"
	start b "$BUILD/dpcache-core" run sh -c "$SLOW"
	wait_until assert_blocked 2 a b
	release
	assert_results 0 leader a b
	assert_runs runs 1
}

@test "dpcache run: followers need neither shelf nor database" {
	start_leader_and_followers --no-write
	release
	assert_results 0 leader a b c
	assert_runs runs 1
	assert_not_exists "$DPCACHE_DIR/shelf"
	assert_not_exists "$DPCACHE_DIR/$DATABASE"
}

@test "dpcache run: followers get more than 64 KiB whole" {
	seq 100000 >large
	SLOW="$(counted runs); $(held); cat large"
	start_leader_and_followers
	release
	for name in leader a b c; do
		finish "$name"
		cmp "$name.out" large
	done
	assert_runs runs 1
}

@test "dpcache run: followers get both streams in order where they are one" {
	for ((i = 0; i < 100; i++)); do printf 'out %d\nerr %d\n' "$i" "$i"; done >expected
	SLOW="$(counted runs); $(held); i=0; while [ \$i -lt 100 ]; do echo out \$i; echo err \$i >&2; i=\$((i+1)); done"
	start_merged() {
		dpcache run sh -c "$SLOW" >"$1.both" 2>&1 </dev/null 3>&- &
		declare -gA pid_of
		pid_of[$1]=$!
	}
	start_merged leader
	wait_until has_run 1
	start_merged a
	wait_until assert_blocked 1 a
	release
	finish leader
	finish a
	cmp leader.both expected
	cmp a.both expected
}

@test "dpcache run: a failure goes to those who wait, not to those who come later" {
	SLOW="$SLOW; exit 3"
	start_leader_and_followers
	release
	assert_results 3 leader a b c
	assert_runs runs 1
	run -3 --separate-stderr dpcache run sh -c "$SLOW"
	assert_runs runs 2
}

@test "dpcache run: death of the command by a signal goes to them too" {
	SLOW="$SLOW; kill -9 \$\$"
	start_leader_and_followers
	release
	assert_results 137 leader a b c
	assert_runs runs 1
}

@test "dpcache run --refresh: waits for the run at work, then makes its own" {
	SLOW="$(counted runs); $(held); wc -l <$BATS_TEST_TMPDIR/runs"
	start leader dpcache run sh -c "$SLOW"
	wait_until has_run 1
	start a dpcache run --refresh sh -c "$SLOW"
	wait_until assert_blocked 1 a
	release
	finish leader
	finish a
	assert_equal "$(<leader.out) $(<a.out)" '1 2'
	run -0 --separate-stderr dpcache run sh -c "$SLOW"
	assert_output 2
}

@test "dpcache run: the caller after all this hits" {
	start_leader_and_followers
	release
	assert_results 0 leader a b c
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	run -0 --separate-stderr dpcache run sh -c "$SLOW"
	assert_output result
	assert_decision hit
}

# --- what cannot be handed on ---

@test "dpcache run: output that outgrows --max-output is shared with those who wait, and with nobody later" {
	seq 30000 >large
	# The leader is held again after it has printed too much.
	mkfifo "$BATS_TEST_TMPDIR/rest"
	SLOW="$(counted runs); $(held); cat large; read -r go <$BATS_TEST_TMPDIR/rest; exit 0"
	start_leader_and_followers --max-output 1k
	release
	wait_until is_as_long_as_large leader.out
	# Who comes now does not wait: a run of its own.
	start late dpcache run --max-output 1k sh -c "$SLOW"
	wait_until has_run 2
	wait_until is_as_long_as_large late.out
	exec {rest}<>"$BATS_TEST_TMPDIR/rest"
	printf 'go\ngo\n' >&"$rest"
	for name in leader a b c late; do
		finish "$name"
		cmp "$name.out" large
	done
	exec {rest}>&-
	assert_runs runs 2
	assert_equal "$(lock_files)" ''
}

is_as_long_as_large() { # FILE
	(($(stat -c %s "$1") == $(stat -c %s large)))
}

@test "dpcache run: output that outgrows --max-output with nobody waiting is not kept on" {
	head -c 300000 /dev/zero >large
	dpcache run --max-output 100k -- cat large | cmp - large
	assert_equal "$(find "$DPCACHE_DIR/data" -type f 2>/dev/null)$(lock_files)" ''
	dpcache run --max-output 100k --status-fd 5 -- cat large 5>decision >/dev/null
	assert_equal "$(jq -r .status decision)" miss
}

@test "dpcache run: callers of different keys do not wait for each other" {
	start leader dpcache run sh -c "$SLOW"
	wait_until has_run 1
	run -0 timeout 60 dpcache run echo other
	assert_output other
	run -0 timeout 60 dpcache run --salt x sh -c 'echo more'
	assert_output more
	release
	finish leader
}

@test "dpcache run: two keys at work at once" {
	start one dpcache run --salt 1 sh -c "$SLOW"
	start two dpcache run --salt 2 sh -c "$SLOW"
	wait_until has_run 2
	release
	assert_results 0 one two
}

# --- deaths ---

@test "dpcache run: the leader killed, one of those who wait takes over, and the others follow it" {
	SLOW="echo \$\$ >>pids; $SLOW"
	start_leader_and_followers
	kill -KILL "${pid_of[leader]}"
	finish leader 137
	wait_until has_run 2
	wait_until assert_blocked 2 a b c
	assert_runs runs 2
	release
	assert_results 0 a b c
	assert_runs runs 2
}

@test "dpcache run: the leader killed, its command dies too: no second copy runs beside it" {
	SLOW="echo \$\$ >>pids; $SLOW"
	start_leader_and_followers
	first=$(head -n 1 pids)
	if is_dead "$first"; then fail 'the command is not at work'; fi
	kill -KILL "${pid_of[leader]}"
	finish leader 137
	# Nobody lets it go, so it can but be killed.
	wait_until is_dead "$first"
	wait_until has_run 2
	if is_dead "$(tail -n 1 pids)"; then fail 'nobody has taken over'; fi
	release
	assert_results 0 a b c
}

@test "dpcache run: one leader after another killed, the last of those who wait still answers" {
	start_leader_and_followers
	kill -KILL "${pid_of[leader]}"
	for times in 2 3; do
		wait_until has_run "$times"
		wait_until assert_blocked $((4 - times)) a b c
		for name in a b c; do
			if ! is_dead "${pid_of[$name]}" && ! assert_blocked 1 "$name"; then break; fi
		done
		kill -KILL "${pid_of[$name]}"
		wait_until is_dead "${pid_of[$name]}"
	done
	wait_until has_run 4
	release
	survivors=0
	for name in a b c; do
		if wait "${pid_of[$name]}"; then
			survivors=$((survivors + 1))
			assert_equal "$(<"$name.out")" result
		fi
	done
	assert_equal "$survivors" 1
	assert_runs runs 4
}

@test "dpcache run: a follower killed harms nobody" {
	start_leader_and_followers
	kill -KILL "${pid_of[b]}"
	release
	finish b 137
	assert_results 0 leader a c
	assert_runs runs 1
}

@test "dpcache run: the leader ended by SIGTERM, its half result is nobody's; one of those who wait takes over" {
	SLOW="$(counted runs); echo result; $(held); echo notice >&2"
	start_leader_and_followers
	kill -TERM "${pid_of[leader]}"
	finish leader 143
	release
	assert_results 0 a b c
	assert_runs runs 2
}

@test "dpcache run: the lock file that a killed leader left is no obstacle" {
	start leader dpcache run sh -c "$SLOW"
	wait_until has_run 1
	kill -KILL "${pid_of[leader]}"
	finish leader 137
	assert_equal "$(lock_files | wc -l)" 1
	release
	run -0 --separate-stderr timeout 60 dpcache run sh -c "$SLOW"
	assert_output result
	assert_runs runs 2
	run -0 lock_files
	assert_output ''
}

@test "dpcache run: a leader that is killed while its result is half printed leaves no result" {
	command="$(counted runs); echo half; $(held); echo whole"
	start leader dpcache run sh -c "$command"
	wait_until grep -q half leader.out
	kill -KILL "${pid_of[leader]}"
	finish leader 137
	release
	run -0 --separate-stderr dpcache run sh -c "$command"
	assert_output $'half\nwhole'
}

# --- what is left behind ---

@test "dpcache run: no lock files remain after success, failure, or following" {
	start_leader_and_followers
	release
	assert_results 0 leader a b c
	run -3 dpcache run sh -c 'exit 3'
	dpcache run --no-coalesce true
	dpcache run --no-write true
	dpcache run --refresh true
	run -127 dpcache run there-is-no-such-command
	run -0 find "$DPCACHE_DIR/locks" -mindepth 1
	assert_output ''
}

@test "dpcache run: one that another finds answered while it takes the lock leaves none either" {
	dpcache run true
	rm -r "$DPCACHE_DIR/shelf"
	dpcache run true
	run -0 find "$DPCACHE_DIR/locks" -mindepth 1
	assert_output ''
}

# --- within itself ---

make_script() { # NAME LINE...: on PATH, counting its runs
	local name=$1
	shift
	mkdir -p bin
	{
		printf '#!/bin/sh\n%s\n' "$(counted runs)"
		printf '%s\n' "$@"
	} >"bin/$name"
	chmod 755 "bin/$name"
	PATH=$PWD/bin:$PATH
}

@test "dpcache run: asked for within its own run, it runs uncached with one warning" {
	make_script self '[ "$(wc -l <"$RUNS")" -lt 2 ] || { echo inner; exit; }' 'dpcache run self' 'echo outer'
	export RUNS=$BATS_TEST_TMPDIR/runs
	run -0 --separate-stderr timeout 60 dpcache run self
	assert_output $'inner\nouter'
	assert_one_warning 'within its own run'
	assert_runs runs 2
}

@test "dpcache run: asked for within another's run within its own, it does not deadlock either" {
	make_script one '[ "$(wc -l <"$RUNS")" -lt 3 ] || { echo inner; exit; }' 'dpcache run two'
	make_script two 'dpcache run one'
	export RUNS=$BATS_TEST_TMPDIR/runs
	run -0 --separate-stderr timeout 60 dpcache run one
	assert_output inner
	assert_one_warning 'within its own run'
	assert_runs runs 3
}

@test "dpcache run: another key within a run is remembered" {
	make_script outer 'dpcache run inner'
	make_script inner 'echo inner'
	run -0 --separate-stderr dpcache run outer
	assert_output inner
	assert_equal "$stderr" ''
	run -0 --separate-stderr dpcache run inner
	assert_output inner
	assert_runs runs 2
}

# --- invalidated in mid-run ---

# A caller from before the invalidation may have the result, one from after it
# must not, nor anybody later.
assert_voids() { # COMMAND...: invalidates
	SLOW="$(counted runs); $(held); wc -l <$BATS_TEST_TMPDIR/runs"
	start leader dpcache run sh -c "$SLOW"
	wait_until has_run 1
	start before dpcache run sh -c "$SLOW"
	wait_until assert_blocked 1 before
	"$@"
	start later dpcache run sh -c "$SLOW"
	wait_until assert_blocked 1 later
	release
	for name in leader before later; do finish "$name"; done
	assert_equal "leader: $(<leader.out)" 'leader: 1'
	assert_equal "before: $(<before.out)" 'before: 1'
	assert_equal "later: $(<later.out)" 'later: 2'
	run -0 --separate-stderr dpcache run sh -c "$SLOW"
	assert_output 2
	assert_runs runs 2
}

@test "dpcache invalidate KEY: during a run voids its result for later callers" {
	key() {
		dpcache key sh -c "$SLOW" 2>/dev/null
	}
	invalidate() {
		dpcache invalidate "$(key)"
	}
	assert_voids invalidate
}

@test "dpcache invalidate --match: during a run voids its result for later callers" {
	assert_voids dpcache invalidate --match 'sh -c *'
}

@test "dpcache invalidate --all: during a run voids its result for later callers" {
	assert_voids dpcache invalidate --all
}

@test "dpcache invalidate --all: a run with nobody beside it is not remembered" {
	start leader dpcache run sh -c "$SLOW"
	wait_until has_run 1
	dpcache invalidate --all
	release
	assert_results 0 leader
	run -0 --separate-stderr dpcache run sh -c "$SLOW"
	assert_runs runs 2
	run -0 --separate-stderr dpcache run sh -c "$SLOW"
	assert_runs runs 2
}

@test "dpcache invalidate --match: other runs at work are not voided" {
	start leader dpcache run sh -c "$SLOW"
	wait_until has_run 1
	dpcache invalidate --match 'other *'
	start a dpcache run sh -c "$SLOW"
	wait_until assert_blocked 1 a
	release
	assert_results 0 leader a
	assert_runs runs 1
}
