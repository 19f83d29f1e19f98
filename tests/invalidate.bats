#!/usr/bin/env bats

load helpers

put() { # VALUE NAME...
	printf %s "$1" | dpcache put "${@:2}"
}

key() {
	dpcache key "$@" 2>err
}

# --- by key ---

@test "invalidate of a name: get misses" {
	put value name
	assert_silent 0 dpcache invalidate name
	assert_silent 1 dpcache get name
}

@test "invalidate of a key that key printed: the next run is a real one" {
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	dpcache invalidate "$(key -- sh -c "$(counted runs)")"
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	assert_runs runs 2
}

@test "invalidate of several names leaves the others" {
	put 1 one
	put 2 two
	put 3 three
	dpcache invalidate one two
	assert_silent 1 dpcache get one
	assert_silent 1 dpcache get two
	run dpcache get three
	assert_output 3
}

@test "invalidate --region of a name: in that region only" {
	put 1 --region one name
	put 2 --region two name
	dpcache invalidate --region one name
	assert_silent 1 dpcache get --region one name
	run dpcache get --region two name
	assert_output 2
}

@test "invalidate of a name that looks like a key" {
	put value 00112233445566778899aabbccddeeff
	dpcache invalidate 00112233445566778899aabbccddeeff
	assert_silent 1 dpcache get 00112233445566778899aabbccddeeff
}

@test "invalidate of nothing: exit 0, silent" {
	put value name
	assert_silent 0 dpcache invalidate other
}

@test "invalidate where no cache is: exit 0, silent, and none is made" {
	own_files 'files in its home'
	assert_silent 0 dpcache invalidate name
	assert_silent 0 dpcache invalidate --all
	assert_silent 0 dpcache invalidate --match '*'
	assert_not_exists "$DPCACHE_DIR"
}

# --- --match ---

@test "invalidate --match: results of commands that match, and no others" {
	dpcache run -- sh -c "$(counted one); true one"
	dpcache run -- sh -c "$(counted two); true two"
	dpcache invalidate --match "sh -c *true one'"
	dpcache run -- sh -c "$(counted one); true one"
	dpcache run -- sh -c "$(counted two); true two"
	assert_runs one 2
	assert_runs two 1
}

@test "invalidate --match must match the whole command" {
	put value name
	dpcache invalidate --match nam
	run dpcache get name
	assert_output value
}

@test "invalidate --match matches the names of values" {
	put 1 name1
	put 2 name2
	put 3 other
	dpcache invalidate --match 'name?'
	assert_json 'map(.command) == ["other"]' dpcache ls --json
}

@test "invalidate --match matches what ls shows of a newline" {
	dpcache run -- true $'two\nlines'
	dpcache invalidate --match "true 'two?lines'"
	assert_json '. == []' dpcache ls --json
}

@test "invalidate --match of nothing: exit 0, silent" {
	put value name
	assert_silent 0 dpcache invalidate --match 'other*'
}

# --- --all ---

@test "invalidate --all: nothing is answered from before" {
	put value name
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	assert_silent 0 dpcache invalidate --all
	assert_silent 1 dpcache get name
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	assert_runs runs 2
}

@test "invalidate --all, then put: get finds it" {
	dpcache invalidate --all
	put old name
	dpcache invalidate --all
	put new name
	run dpcache get name
	assert_output new
}

@test "invalidate --all touches no entry" {
	sqlite_only "asks by SQL"
	put value name
	before=$(sql 'SELECT * FROM entry')
	dpcache invalidate --all
	assert_equal "$(sql 'SELECT * FROM entry')" "$before"
}

@test "invalidate --all costs the same for many entries as for one" {
	sqlite_only "changes an entry by SQL"
	command -v strace >/dev/null || skip "no strace"
	put value name
	strace -f -o few dpcache invalidate --all
	put value name
	sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO entry SELECT randomblob(16), randomblob(16), created, ttl, grace, generation, cost,
		output_size, stored_size, status, flags, label, file, capsule FROM entry, n"
	strace -f -o many dpcache invalidate --all
	assert_equal "$(wc -l <many)" "$(wc -l <few)"
}

# --- while a run is at work ---

@test "invalidate KEY during a run: it is not served later" {
	run_held
	dpcache invalidate "$(key -- ./slow)"
	end_held
	run dpcache run -- ./slow 2>err
	assert_output 'result 2'
}

@test "invalidate KEY during a run: the run itself ends as ever" {
	run_held
	dpcache invalidate "$(key -- ./slow)"
	end_held
	assert_equal "$(cat held.out)" 'result 1'
	assert_equal "$(cat held.err)" ''
}

@test "invalidate NAME during a run --key: it is not served later" {
	run_held --key name
	dpcache invalidate name
	end_held
	assert_silent 1 dpcache get name
}

@test "rm KEY during a run: exit 0, and it is not served later" {
	run_held
	assert_silent 0 dpcache rm "$(key -- ./slow)"
	end_held
	run dpcache run -- ./slow 2>err
	assert_output 'result 2'
}

@test "invalidate --match during a run: it is not served later" {
	run_held
	dpcache invalidate --match ./slow
	end_held
	run dpcache run -- ./slow 2>err
	assert_output 'result 2'
}

@test "invalidate --match of another command during a run: it is served later" {
	run_held
	dpcache invalidate --match './other*'
	end_held
	dpcache run -- ./slow >out 2>err
	assert_equal "$(cat out)" 'result 1'
}

@test "invalidate --all during a run: it is not served later" {
	run_held
	dpcache invalidate --all
	end_held
	run dpcache run -- ./slow 2>err
	assert_output 'result 2'
}

# Who asks after an invalidation, and meets a run that began before it, may not
# be answered with that run's result.
assert_newcomer_runs_anew() {
	dpcache run -- ./slow >out 2>err 3>&- &
	newcomer=$!
	wait_until is_blocked "$newcomer"
	end_held
	wait "$newcomer"
	assert_equal "$(cat out)" 'result 2'
}

@test "run during a run that invalidate KEY has voided: a run of its own" {
	run_held
	dpcache invalidate "$(key -- ./slow)"
	assert_newcomer_runs_anew
}

@test "run during a run that invalidate --match has voided: a run of its own" {
	run_held
	dpcache invalidate --match ./slow
	assert_newcomer_runs_anew
}

@test "run during a run that invalidate --all has voided: a run of its own" {
	run_held
	dpcache invalidate --all
	assert_newcomer_runs_anew
}

@test "invalidate during a run: those who waited before get its result" {
	run_held
	dpcache run -- ./slow >out 2>err 3>&- &
	follower=$!
	wait_until is_blocked "$follower"
	dpcache invalidate "$(key -- ./slow)"
	end_held
	wait "$follower"
	assert_equal "$(cat out)" 'result 1'
	assert_runs slow 1
}

# --- wrong usage ---

@test "invalidate without anything to invalidate: exit 125, one line" {
	assert_usage_error dpcache invalidate
	assert_usage_error dpcache invalidate --region one
}

@test "invalidate of two kinds at once: exit 125, one line" {
	assert_usage_error dpcache invalidate --all name
	assert_usage_error dpcache invalidate --all --match '*'
	assert_usage_error dpcache invalidate --match '*' name
}

@test "invalidate --region with --all or --match, which would not heed it: exit 125, one line" {
	put value name
	assert_usage_error dpcache invalidate --region one --all
	assert_usage_error dpcache invalidate --region one --match '*'
	run dpcache get name
	assert_output value
}

@test "invalidate of an empty name: exit 125, one line" {
	put value name
	assert_usage_error dpcache invalidate ''
}

@test "invalidate with an unknown option: exit 125, one line" {
	assert_usage_error dpcache invalidate --nonsense
}

@test "invalidate --all with a damaged database: what was remembered is not served" {
	own_files 'its database'
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	: >"$DPCACHE_DIR/$DATABASE"
	dpcache invalidate --all
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	assert_runs runs 2
}
