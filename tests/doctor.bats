#!/usr/bin/env bats

load helpers

put() { # VALUE NAME...
	printf %s "$1" | dpcache put "${@:2}"
}

put_large() { # NAME
	head -c 200000 /dev/zero | dpcache put "$1"
}

data_file() {
	find "$DPCACHE_DIR/data" -type f
}

shelf_file() {
	find "$DPCACHE_DIR/shelf" -type f
}

damage_inline_capsule() {
	sql "SELECT writefile('capsule', capsule) FROM entry" >written
	flip_byte capsule "$1"
	sql "UPDATE entry SET capsule = readfile('capsule')"
}

# Is a put at work? It writes into a file of its own beside the locks.
is_writing() {
	compgen -G "$DPCACHE_DIR/locks/.*-*"
}

# doctor finds it, which changes nothing; --fix mends it; then all is well.
assert_found_and_mended() { # WHAT TEXT
	for _ in 1 2; do
		run dpcache doctor
		assert_failure 1
		assert_line --regexp "^broken +$1 .*$2"
	done
	run dpcache doctor --fix
	assert_success
	assert_line --regexp "^fixed +$1 .*$2"
	run dpcache doctor
	assert_success
	refute_line --regexp '^(broken|fixed)'
}

# --- all is well ---

@test "doctor of a clean cache: exit 0, nothing broken" {
	put value name
	put_large other
	dpcache run -- true
	run dpcache doctor
	assert_success
	refute_line --regexp '^(broken|fixed)'
}

@test "doctor says how many entries are intact" {
	put value name
	put_large other
	run dpcache doctor
	assert_line --regexp '^ok +entries +2, all intact$'
}

@test "doctor where no cache is: exit 0, and none is made" {
	run dpcache doctor --fix
	assert_success
	assert_not_exists "$DPCACHE_DIR"
}

@test "doctor reports the version of the SQLite library in use" {
	sqlite_only "its own version"
	run dpcache doctor
	assert_line --regexp '^ok +library +sqlite 3\.[0-9]+\.[0-9]+'
	ldd "$(type -P sqlite3)" | grep -q libsqlite3 || skip "sqlite3 has its own SQLite"
	assert_line --partial "sqlite $(sqlite3 :memory: 'SELECT sqlite_version()')"
}

@test "doctor --json: an array of findings" {
	put value name
	assert_json 'map(.level) | unique - ["ok", "note"] == []' dpcache doctor --json
	assert_json 'map(.what) | contains(["library", "directory", "store", "entries"])' dpcache doctor --json
	assert_json 'all(.text | type == "string" and length > 0)' dpcache doctor --json
}

@test "doctor --json of damage: exit 1 and still JSON" {
	put value name
	chmod 755 "$DPCACHE_DIR"
	run dpcache doctor --json
	assert_failure 1
	jq -e 'map(select(.level == "broken") | .what) == ["directory"]' <<<"$output"
}

@test "doctor --fix of a clean cache keeps what is remembered" {
	put value name
	put_large other
	dpcache doctor --fix
	run dpcache get name
	assert_output value
	dpcache get other | cmp - <(head -c 200000 /dev/zero)
}

@test "doctor --fix does not touch the lock of a running command" {
	run_held
	lock=$(find "$DPCACHE_DIR/locks" -type f)
	run dpcache doctor --fix
	assert_success
	assert_exists "$lock"
	end_held
	dpcache run -- ./slow >out 2>err
	assert_equal "$(cat out)" 'result 1'
}

@test "doctor --fix does not touch the scratch file of a put at work" {
	mkfifo value
	dpcache put name <value 3>&- &
	exec 7>value
	wait_until is_writing
	run dpcache doctor --fix
	assert_success
	echo whole >&7
	exec 7>&-
	wait
	run dpcache get name
	assert_output whole
}

# --- every kind of damage ---

@test "doctor: mode 0755" {
	put value name
	chmod 755 "$DPCACHE_DIR"
	assert_found_and_mended directory 'mode is 0755'
	assert_equal "$(stat -c %a "$DPCACHE_DIR")" 700
}

@test "doctor: mode 0777" {
	put value name
	chmod 777 "$DPCACHE_DIR"
	assert_found_and_mended directory 'mode is 0777'
}

@test "doctor: state file damaged" {
	put value name
	flip_byte "$DPCACHE_DIR/state" 12
	assert_found_and_mended state damaged
}

@test "doctor: state file empty" {
	put value name
	: >"$DPCACHE_DIR/state"
	assert_found_and_mended state damaged
}

@test "doctor: state file missing" {
	put value name
	rm "$DPCACHE_DIR/state"
	assert_found_and_mended state missing
}

@test "doctor: database empty" {
	put value name
	checkpoint
	: >"$DPCACHE_DIR/$DATABASE"
	assert_found_and_mended store empty
}

@test "doctor: database truncated" {
	put "$(printf 'x%.0s' {1..60000})" name
	checkpoint
	truncate -s 16384 "$DPCACHE_DIR/$DATABASE"
	assert_found_and_mended store "$DATABASE"
}

@test "doctor: database overwritten with noise" {
	put value name
	checkpoint
	head -c 50000 /dev/urandom >"$DPCACHE_DIR/$DATABASE"
	assert_found_and_mended store damaged
}

@test "doctor: database that is somebody else's" {
	sqlite_only "its schema"
	put value name
	checkpoint
	sql 'PRAGMA application_id = 7'
	assert_found_and_mended store "not dpcache's"
}

@test "doctor --fix moves a broken database aside, whole" {
	put value name
	checkpoint
	head -c 50000 /dev/urandom >noise
	cp noise "$DPCACHE_DIR/$DATABASE"
	dpcache doctor --fix
	cmp noise "$DPCACHE_DIR/$DATABASE".broken-*
}

@test "doctor --fix of a broken database: put and get work again" {
	put old name
	checkpoint
	: >"$DPCACHE_DIR/$DATABASE"
	dpcache doctor --fix
	put new name
	run dpcache get name
	assert_output new
}

@test "doctor --fix of a broken database: what it answered from before can still be forgotten" {
	put value name
	checkpoint
	: >"$DPCACHE_DIR/$DATABASE"
	dpcache doctor --fix
	run dpcache rm name
	assert_silent 1 dpcache get name
}

@test "doctor --fix of a broken database: the data files are gone too" {
	put_large name
	checkpoint
	: >"$DPCACHE_DIR/$DATABASE"
	dpcache doctor --fix
	assert_equal "$(data_file)" ''
}

@test "doctor: a database of a later version: exit 1, and --fix leaves it alone" {
	sqlite_only "its schema"
	put value name
	sql 'PRAGMA user_version = 99'
	run dpcache doctor --fix
	assert_failure 1
	assert_line --regexp '^broken +store .*later'
	assert_equal "$(sql 'SELECT count(*) FROM entry')" 1
}

@test "doctor --fix of a database of an earlier version: moved aside, and remembered anew" {
	sqlite_only "its schema"
	put value name
	sql 'PRAGMA user_version = 1'
	run --separate-stderr dpcache run -- echo out
	assert_output out
	assert_one_warning earlier
	dpcache doctor --fix
	dpcache run -- echo out
	assert_json 'length == 1' dpcache ls --json
}

@test "doctor: damaged capsule in the database" {
	sqlite_only "changes an entry by SQL"
	put value name
	damage_inline_capsule 20
	assert_found_and_mended entry damaged
}

@test "doctor: damaged output in the database" {
	sqlite_only "changes an entry by SQL"
	put value name
	damage_inline_capsule "$(sql 'SELECT length(capsule) - 2 FROM entry')"
	assert_found_and_mended entry damaged
}

@test "doctor: capsule cut short in the database" {
	sqlite_only "changes an entry by SQL"
	put value name
	sql 'UPDATE entry SET capsule = substr(capsule, 1, 180)'
	assert_found_and_mended entry damaged
}

@test "doctor: capsule under another key" {
	sqlite_only "changes an entry by SQL"
	put value name
	sql 'UPDATE entry SET key = randomblob(16)'
	assert_found_and_mended entry 'another key'
}

@test "doctor: damaged capsule in a data file" {
	put_large name
	flip_byte "$(data_file)" 20
	assert_found_and_mended entry damaged
}

@test "doctor: damaged output in a data file" {
	put_large name
	flip_byte "$(data_file)" 100000
	assert_found_and_mended entry damaged
}

@test "doctor: data file cut short" {
	put_large name
	truncate -s 100000 "$(data_file)"
	assert_found_and_mended entry damaged
}

@test "doctor: data file missing" {
	put_large name
	rm "$(data_file)"
	assert_found_and_mended entry 'data/'
}

@test "doctor --fix of one damaged entry keeps the others" {
	put_large name
	put value other
	rm "$(data_file)"
	dpcache doctor --fix
	run dpcache get other
	assert_output value
}

@test "doctor --fix of a damaged entry: it is a miss, without a word" {
	sqlite_only "changes an entry by SQL"
	put value name
	damage_inline_capsule 20
	rm "$(shelf_file)"
	dpcache doctor --fix
	assert_silent 1 dpcache get name
}

@test "doctor: data file that belongs to no entry" {
	put_large name
	cp "$(data_file)" "$DPCACHE_DIR/data/orphan"
	assert_found_and_mended orphan 'data/orphan'
}

@test "doctor: lock of a leader that was killed" {
	run_held
	# shellcheck disable=SC2154  # set by run_held
	kill -KILL "$held_pid"
	wait "$held_pid" || true
	assert_found_and_mended orphan 'locks/'
}

@test "doctor: scratch file of a put that was killed" {
	mkfifo value
	dpcache put name <value 3>&- &
	exec 7>value
	wait_until is_writing
	kill -KILL $!
	wait $! || true
	exec 7>&-
	assert_found_and_mended orphan 'locks/'
}

@test "doctor: damaged shelf file" {
	put value name
	flip_byte "$(shelf_file)" 30
	assert_found_and_mended shelf damaged
}

@test "doctor: empty shelf file" {
	put value name
	: >"$(shelf_file)"
	assert_found_and_mended shelf damaged
}

@test "doctor: shelf file that was never finished" {
	put value name
	touch "$(dirname "$(shelf_file)")/.new"
	assert_found_and_mended orphan 'a writer that was killed'
}

@test "doctor --fix of a damaged shelf file keeps the value" {
	put value name
	flip_byte "$(shelf_file)" 30
	dpcache doctor --fix
	run dpcache get name
	assert_output value
}

# A note that a source fails, beside what it once answered.
leave_a_note() {
	dpcache run --ttl 0 --stale-if-error 1h -- sh -c '[ ! -e broken ]'
	touch broken
	dpcache run --ttl 0 --stale-if-error 1h --ttl-fail 1h -- sh -c '[ ! -e broken ]'
	note=$(find "$DPCACHE_DIR/shelf" -name '*.err')
	assert_file_exists "$note"
}

@test "doctor: the note of a failing source is none of its concern" {
	leave_a_note
	run dpcache doctor --fix
	assert_success
	refute_line --regexp '^(broken|fixed)'
	assert_exists "$note"
}

@test "doctor: a damaged note of a failing source goes with --fix, without a word" {
	for damage in 'flip_byte "$note" 20' ': >"$note"' 'truncate -s 30 "$note"'; do
		rm -rf broken "$DPCACHE_DIR"
		leave_a_note
		eval "$damage"
		run dpcache doctor
		assert_success
		assert_exists "$note"
		run dpcache doctor --fix
		assert_success
		refute_line --regexp '^(broken|fixed)'
		assert_not_exists "$note"
	done
}

@test "doctor: filter that denies an entry: found, and with --fix the value is back" {
	put value name
	rm "$(shelf_file)"
	: >"$DPCACHE_DIR/present"
	run dpcache doctor
	assert_failure 1
	dpcache doctor --fix
	run dpcache get name
	assert_output value
}

@test "doctor: many kinds of damage at once" {
	put value name
	put_large other
	chmod 755 "$DPCACHE_DIR"
	rm "$(data_file)"
	cp "$DPCACHE_DIR/state" "$DPCACHE_DIR/data/orphan"
	run dpcache doctor
	assert_failure 1
	assert_equal "$(grep -c ^broken <<<"$output")" 3
	run dpcache doctor --fix
	assert_success
	assert_equal "$(grep -c ^fixed <<<"$output")" 3
	run dpcache doctor
	assert_success
}

@test "doctor --fix while another program keeps the database locked does not claim to have mended" {
	sqlite_only "SQLite's locks"
	put_large name
	rm "$(data_file)"
	mkfifo statements
	sqlite3 "$DPCACHE_DIR/cache.db" <statements 3>&- &
	exec 7>statements
	printf '%s\n' 'BEGIN EXCLUSIVE;' '.shell touch locked' >&7
	wait_until test -e locked
	run dpcache doctor --fix
	exec 7>&-
	wait
	assert_equal "$(sql 'SELECT count(*) FROM entry')" 1
	assert_failure 1
}

# --- what it can only tell ---

@test "doctor of a symbolic link: exit 1, with --fix too" {
	mkdir "$BATS_TEST_TMPDIR/real"
	ln -s real "$DPCACHE_DIR"
	run dpcache doctor
	assert_failure 1
	assert_line --regexp '^broken +directory .*symbolic link'
	run dpcache doctor --fix
	assert_failure 1
}

@test "doctor of somebody else's directory: exit 1, with --fix too" {
	((EUID == 0)) || skip "only root can give a directory away"
	put value name
	chown 1234 "$DPCACHE_DIR"
	run dpcache doctor
	assert_failure 1
	assert_line --regexp '^broken +directory .*belongs to uid 1234'
	run dpcache doctor --fix
	assert_failure 1
}

@test "doctor with a word or an unknown option: exit 125, one line" {
	assert_usage_error dpcache doctor word
	assert_usage_error dpcache doctor --nonsense
}
