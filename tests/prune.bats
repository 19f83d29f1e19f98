#!/usr/bin/env bats

load helpers

put() { # VALUE NAME...
	printf %s "$1" | dpcache put "${@:2}"
}

# Of so many bytes.
put_sized() { # BYTES NAME...
	head -c "$1" /dev/zero | dpcache put "${@:2}"
}

names() {
	dpcache ls --json | jq -r 'map(.command) | sort | join(" ")'
}

assert_names() { # NAME...
	assert_equal "$(names)" "$*"
}

database_size() {
	local size=0 file
	for file in "$DPCACHE_DIR/$DATABASE"*; do size=$((size + $(stat -c %s "$file"))); done
	echo "$size"
}

# --- what has expired ---

@test "prune drops what has expired" {
	put value --ttl 1ns old
	dpcache prune
	assert_names ''
}

@test "prune leaves what has not expired" {
	put value --ttl 1h name
	put value forever
	assert_silent 0 dpcache prune
	assert_names forever name
}

@test "prune drops results of run by the ttl they were made with" {
	dpcache run --ttl 1ns -- true old
	dpcache run --ttl 1h -- true new
	dpcache prune
	assert_names 'true new'
}

@test "prune drops what invalidate --all has left" {
	put value name
	dpcache invalidate --all
	dpcache prune
	assert_equal "$(stored)" 0
}

@test "prune removes the data files of what it drops, and only those" {
	own_files 'files in its home'
	put_sized 200000 --ttl 1ns old
	put_sized 200000 new
	dpcache prune
	assert_equal "$(find "$DPCACHE_DIR/data" -type f | wc -l)" 1
	dpcache get new >got
	assert_equal "$(stat -c %s got)" 200000
}

@test "prune removes what lies on the shelf of what it drops" {
	put value --ttl 1ns old
	dpcache prune
	assert_silent 1 dpcache get --ttl forever old
}

@test "prune makes the database smaller" {
	own_files 'its database'
	for i in {1..20}; do put_sized 60000 --ttl 1ns "name$i"; done
	before=$(database_size)
	((before > 1000000))
	dpcache prune
	after=$(database_size)
	((after < 100000)) || fail "from $before to $after"
}

@test "prune leaves nothing for doctor to find" {
	put_sized 200000 --ttl 1ns old
	put value --ttl 1ns older
	dpcache prune
	run dpcache doctor
	assert_success
}

@test "prune says how many it dropped" {
	put value --ttl 1ns one
	put value --ttl 1ns two
	run dpcache prune
	assert_output --regexp '^dropped 2 entries, [0-9]'
}

@test "prune --json: how many and how much" {
	put_sized 1000 --ttl 1ns old
	assert_json '.entries == 1 and .bytes >= 1000' dpcache prune --json
	assert_json '.entries == 0 and .bytes == 0' dpcache prune --json
}

@test "prune does not touch a run at work" {
	run_held --ttl 1h
	dpcache prune --max-entries 0
	end_held
	dpcache run -- ./slow >out 2>err
	assert_equal "$(cat out)" 'result 1'
}

# --- --max-entries ---

@test "prune --max-entries drops what was made first" {
	put 1 one
	put 2 two
	put 3 three
	dpcache prune --max-entries 2
	assert_names three two
}

@test "prune --max-entries: a hit counts as use" {
	put 1 one
	put 2 two
	put 3 three
	dpcache get one
	dpcache prune --max-entries 2
	assert_names one three
}

@test "prune --max-entries: a hit of run counts as use" {
	dpcache run -- true 1
	dpcache run -- true 2
	dpcache run -- true 1
	dpcache prune --max-entries 1
	assert_names 'true 1'
}

@test "prune --max-entries drops what has expired before what is least used" {
	put 1 one
	put 2 --ttl 1ns two
	dpcache prune --max-entries 1
	assert_names one
}

@test "prune --max-entries of more than there are drops nothing" {
	put 1 one
	put 2 two
	assert_silent 0 dpcache prune --max-entries 2
	assert_names one two
}

@test "prune --max-entries 0 drops all" {
	put 1 one
	put_sized 200000 two
	dpcache prune --max-entries 0
	assert_names ''
	assert_equal "$(find "$DPCACHE_DIR/data" -type f | wc -l)" 0
}

@test "run after prune has dropped its result is a real one" {
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	dpcache prune --max-entries 0
	dpcache run -- sh -c "$(counted runs)" >out 2>err
	assert_runs runs 2
}

@test "prune --max-entries: what leads to a traced result stays as long as that" {
	for state in 1 2; do
		echo "$state" >input
		dpcache run --trace -- cat input >out
	done
	put 1 one
	echo 1 >input
	dpcache run --trace -- cat input >out
	run dpcache prune --max-entries 2
	assert_output --regexp '^dropped 1 entry, '
	assert_names cat input one
	rm -r "$DPCACHE_DIR/shelf"
	run -0 --separate-stderr dpcache explain --trace -- cat input
	run dpcache prune --max-entries 0
	assert_output --regexp '^dropped 2 entries, '
	assert_equal "$(stored)" 0
}

@test "prune: what leads to a traced result does not expire before it" {
	fail_or_show() { dpcache run --trace --ttl-fail 1ns -- sh -c 'cat input; test ! -e broken' >out; }
	echo 1 >input
	fail_or_show
	touch broken
	run -1 fail_or_show
	rm broken
	dpcache prune
	rm -r "$DPCACHE_DIR/shelf"
	run -0 --separate-stderr dpcache explain --trace -- sh -c 'cat input; test ! -e broken'
	dpcache invalidate --all
	dpcache prune
	assert_equal "$(stored)" 0
}

# --- --max-size ---

@test "prune --max-size drops what was made first, down to the size" {
	put_sized 10000 one
	put_sized 10000 two
	put_sized 10000 three
	dpcache prune --max-size 25k
	assert_names three two
}

@test "prune --max-size: a hit counts as use" {
	put_sized 10000 one
	put_sized 10000 two
	put_sized 10000 three
	dpcache get one >out
	dpcache prune --max-size 25k
	assert_names one three
}

@test "prune --max-size counts large values, which lie in files" {
	put_sized 200000 large
	put_sized 1000 small
	dpcache prune --max-size 100k
	assert_names small
}

@test "prune --max-size of more than there is drops nothing" {
	put_sized 10000 one
	assert_silent 0 dpcache prune --max-size 1m
	assert_names one
}

@test "prune --max-size with --max-entries: both hold" {
	for name in a b c d; do put_sized 10000 "$name"; done
	dpcache prune --max-size 35k --max-entries 2
	assert_names c d
}

@test "prune --max-size counts what leads to a traced result with it" {
	sqlite_only "asks by SQL"
	echo 1 >input
	dpcache run --trace -- cat input >out
	size=$(sql 'SELECT sum(stored_size) FROM entry')
	put_sized 1000 name
	dpcache prune --max-size $((size + 1500))
	assert_names cat input name
	dpcache get name >out
	dpcache prune --max-size 1500
	assert_names name
	assert_equal "$(stored)" 1
}

# --- nothing there, wrong usage ---

@test "prune where no cache is: exit 0, silent, and none is made" {
	own_files 'files in its home'
	assert_silent 0 dpcache prune --max-entries 0
	assert_not_exists "$DPCACHE_DIR"
}

@test "prune --json where no cache is" {
	assert_json '.entries == 0 and .bytes == 0' dpcache prune --json
}

@test "prune with a limit that is none: exit 125, one line" {
	assert_usage_error dpcache prune --max-size big
	assert_usage_error dpcache prune --max-size -1
	assert_usage_error dpcache prune --max-entries many
	assert_usage_error dpcache prune --max-entries -1
	assert_usage_error dpcache prune --max-entries
}

@test "prune with a word or an unknown option: exit 125, one line" {
	assert_usage_error dpcache prune word
	assert_usage_error dpcache prune --nonsense
}

@test "prune of a damaged database: exit 125, one line" {
	own_files 'its database'
	put value name
	: >"$DPCACHE_DIR/$DATABASE"
	assert_usage_error dpcache prune
}
