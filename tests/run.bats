#!/usr/bin/env bats
# dpcache run: remembers, replays, and steps aside when the cache is broken.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts in quotes; tests are
# subshells; stderr is set by run --separate-stderr

load helpers

setup() {
	common_setup
	make_tool
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
}

# --- remembering ---

@test "dpcache run: the second call replays and does not run" {
	twice dpcache run tool a
	assert_runs runs 1
}

@test "dpcache run: the first call is a miss, the second a hit" {
	dpcache run tool
	assert_decision miss
	dpcache run tool
	assert_decision hit
}

@test "dpcache run: a hit gives the command's output" {
	run -0 dpcache run tool a
	run -0 dpcache run tool a
	assert_output '<a>'
	assert_decision hit
}

@test "dpcache run: nothing is added to the command's stderr" {
	run -0 --separate-stderr dpcache run tool
	assert_equal "$stderr" ''
	run -0 --separate-stderr dpcache run tool
	assert_equal "$stderr" ''
}

@test "dpcache run: a failure's status comes through and is not remembered" {
	run -3 dpcache run sh -c "$(counted runs); exit 3"
	run -3 dpcache run sh -c "$(counted runs); exit 3"
	assert_runs runs 2
}

@test "dpcache run: a result outlives the loss of its shelf" {
	dpcache run tool a
	rm -r "$DPCACHE_DIR/shelf"
	run -0 dpcache run tool a
	assert_output '<a>'
	assert_decision hit
}

@test "dpcache run: a shelved result is answered without the database" {
	own_files 'its database'
	dpcache run tool a
	rm "$DPCACHE_DIR/$DATABASE"*
	run -0 dpcache run tool a
	assert_output '<a>'
	assert_decision hit
}

@test "dpcache run: a result read from the database is shelved again" {
	own_files 'its database'
	dpcache run tool a
	rm -r "$DPCACHE_DIR/shelf"
	dpcache run tool a
	rm "$DPCACHE_DIR/$DATABASE"*
	dpcache run tool a
	assert_runs runs 1
}

@test "dpcache run: dpcache-core asks and answers under the same keys" {
	dpcache run tool a
	"$BUILD/dpcache-core" run tool a
	assert_decision hit
	"$BUILD/dpcache-core" run tool b
	dpcache run tool b
	assert_decision hit
}

# --- where options end ---

@test "dpcache run -- ls --ttl: the command's option is not ours" {
	run dpcache run -- ls --ttl
	assert_failure
	assert_output --partial ls:
	refute_output --partial dpcache:
}

@test "dpcache run echo -v: options end at the first word that is none" {
	run -0 --separate-stderr dpcache run echo -v
	assert_output -- '-v'
	assert_equal "$stderr" ''
}

@test "dpcache run echo --: a later -- is the command's" {
	run -0 dpcache run printf '<%s>' -- --
	assert_output -- '<--><-->'
}

@test "dpcache run -: a lone dash is a command's name" {
	run -127 dpcache run -
}

@test "dpcache run: with and without -- is one question" {
	dpcache run tool a
	dpcache run -- tool a
	assert_runs runs 1
}

@test "dpcache run --ttl=5m: a value may follow an equals sign" {
	run -0 dpcache run --ttl=5m tool
	assert_output '<>'
}

@test "dpcache run --help: prints usage on stdout and runs nothing" {
	run -0 --separate-stderr dpcache run --help tool
	assert_line --index 0 --partial 'usage: dpcache run'
	assert_runs runs 0
}

# --- the cache directory ---

@test "dpcache run: makes its directory for the owner alone, with a CACHEDIR.TAG" {
	export DPCACHE_DIR=$BATS_TEST_TMPDIR/a/b/cache
	dpcache run tool
	assert_equal "$(stat -c %a "$DPCACHE_DIR")" 700
	run -0 head -n 1 "$DPCACHE_DIR/CACHEDIR.TAG"
	assert_output 'Signature: 8a477f597d28d172789f06886806bc55'
}

@test "dpcache run: in a directory that others may enter they can read no file" {
	umask 022
	mkdir "$DPCACHE_DIR"
	dpcache run tool
	dpcache run cat /bin/sh >/dev/null
	run -0 find "$DPCACHE_DIR" -mindepth 1 -perm /077
	assert_output ''
}

@test "dpcache run: XDG_CACHE_HOME/dpcache where DPCACHE_DIR is unset" {
	unset DPCACHE_DIR
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/xdg twice dpcache run tool
	assert_runs runs 1
	assert_dir_exists "$BATS_TEST_TMPDIR/xdg/$DIRECTORY"
}

@test "dpcache run: ~/.cache/dpcache where XDG_CACHE_HOME is unset too, or relative" {
	unset DPCACHE_DIR
	HOME=$BATS_TEST_TMPDIR/home dpcache run tool
	XDG_CACHE_HOME=relative HOME=$BATS_TEST_TMPDIR/home dpcache run tool
	assert_runs runs 1
	assert_dir_exists "$BATS_TEST_TMPDIR/home/.cache/$DIRECTORY"
}

@test "dpcache run --store sqlite:DIRECTORY: keeps it there" {
	twice dpcache run --store "sqlite:$BATS_TEST_TMPDIR/elsewhere" tool
	assert_runs runs 1
	assert_dir_exists "$BATS_TEST_TMPDIR/elsewhere"
	assert_not_exists "$DPCACHE_DIR"
}

@test "dpcache run: DPCACHE_STORE names the store, --store goes before it" {
	export DPCACHE_STORE=sqlite:$BATS_TEST_TMPDIR/one
	dpcache run tool
	dpcache run --store "sqlite:$BATS_TEST_TMPDIR/two" tool
	assert_dir_exists "$BATS_TEST_TMPDIR/one"
	assert_dir_exists "$BATS_TEST_TMPDIR/two"
	assert_runs runs 2
}

# --- a broken cache is a miss, never a failed command ---

# The command runs, its output and status come through, one line says what
# was wrong.
assert_runs_despite() { # PATTERN
	run -3 --separate-stderr dpcache run --cache-exit any sh -c "$(counted runs); echo out; exit 3"
	assert_output out
	assert_one_warning "$1"
	assert_runs runs 1
}

@test "dpcache run: a file where its directory should be" {
	echo mine >"$DPCACHE_DIR"
	assert_runs_despite "$DPCACHE_DIR"
	assert_equal "$(<"$DPCACHE_DIR")" mine
}

@test "dpcache run: a cache directory that is a symbolic link is refused" {
	mkdir -m 700 "$BATS_TEST_TMPDIR/real"
	ln -s real "$DPCACHE_DIR"
	assert_runs_despite 'symbolic link'
	run -0 ls -A "$BATS_TEST_TMPDIR/real"
	assert_output ''
}

@test "dpcache run: a cache directory that others can write to is refused" {
	mkdir "$DPCACHE_DIR"
	chmod 770 "$DPCACHE_DIR"
	assert_runs_despite 'written by others'
}

@test "dpcache run: somebody else's cache directory is refused" {
	((EUID == 0)) || skip 'only root can give a directory away'
	mkdir -m 700 "$DPCACHE_DIR"
	chown 65534 "$DPCACHE_DIR"
	assert_runs_despite 'belongs to'
}

@test "dpcache run: a database that is none" {
	own_files 'its database'
	mkdir -m 700 "$DPCACHE_DIR"
	echo 'this is no database, however long one looks at it' >"$DPCACHE_DIR/$DATABASE"
	assert_runs_despite "$DATABASE"
}

@test "dpcache run: an emptied database" {
	own_files 'its database'
	dpcache run tool
	rm -r "$DPCACHE_DIR/shelf" "$BATS_TEST_TMPDIR/runs"
	: >"$DPCACHE_DIR/$DATABASE"
	rm -f "$DPCACHE_DIR/$DATABASE"-*
	assert_runs_despite "$DATABASE"
}

@test "dpcache run: a damaged shelf is a miss to the database, not an answer" {
	dpcache run tool a
	local file
	file=$(find "$DPCACHE_DIR/shelf" -type f)
	# The last byte is the last of the output.
	printf X | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 1)) conv=notrunc status=none
	run -0 dpcache run tool a
	assert_output '<a>'
	assert_decision hit
}

@test "dpcache run: a damaged state file forgets everything, and says so" {
	dpcache run tool
	printf X >"$DPCACHE_DIR/state"
	run -0 --separate-stderr dpcache run tool
	assert_one_warning state
	assert_runs runs 2
	twice dpcache run tool
	assert_runs runs 2
}

@test "dpcache run: no HOME, no XDG_CACHE_HOME, no DPCACHE_DIR: the account's home" {
	own_files 'files in its home'
	local home
	home=$(getent passwd "$(id -u)" | cut -d: -f6)
	[[ -n $home ]] || skip 'this account has no home'
	# That one is not ours to touch: only see where it would be looked for.
	command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null || skip 'no strace'
	(unset HOME DPCACHE_DIR && strace -f -o "$BATS_TEST_TMPDIR/trace" dpcache run --no-write tool)
	assert_file_contains "$BATS_TEST_TMPDIR/trace" "\"$home/.cache/$DIRECTORY\""
}

@test "dpcache run: a closed stdout does not let the cache into the command's descriptors" {
	run -0 --separate-stderr dpcache run sh -c "$(counted runs); exit 0" >&-
	assert_runs runs 1
}

# --- what is not found ---

@test "dpcache run: 127 and one line for a command that is not found" {
	run -127 --separate-stderr dpcache run there-is-no-such-command
	assert_output ''
	assert_one_warning there-is-no-such-command
}

@test "dpcache run: 126 and one line for a file that is not executable" {
	: >plain
	run -126 --separate-stderr dpcache run ./plain
	assert_one_warning ./plain
}

@test "dpcache run: 127 is not remembered, even with --cache-exit any" {
	run -127 dpcache run --cache-exit any late
	printf '#!/bin/sh\necho here\n' >"$BATS_TEST_TMPDIR/bin/late"
	chmod 755 "$BATS_TEST_TMPDIR/bin/late"
	run -0 dpcache run --cache-exit any late
	assert_output here
}

@test "dpcache run: 126 is not remembered, even with --cache-exit any" {
	chmod 644 "$TOOL"
	run -126 dpcache run --cache-exit any "$TOOL" a
	chmod 755 "$TOOL"
	run -0 dpcache run --cache-exit any "$TOOL" a
	assert_output '<a>'
}

@test "dpcache run: a script without #! runs as a shell would run it" {
	printf 'echo "plain $1"\n' >plain
	chmod 755 plain
	run -0 dpcache run ./plain x
	assert_output 'plain x'
	run -0 dpcache run ./plain x
	assert_output 'plain x'
	assert_decision hit
}
