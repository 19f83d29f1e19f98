#!/usr/bin/env bats
# dpcache run: what its options do, and what it says to bad ones.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # scripts in quotes;
# tests are subshells; stderr is set by run --separate-stderr

load helpers

setup() {
	common_setup
	make_tool
	make_hold
}

teardown() {
	end_started
}

tool_has_run_again() { # OPTION...
	dpcache run "$@" tool
	(($(runs runs) > 1))
}

# --- how long ---

@test "dpcache run --ttl 0: always runs" {
	twice dpcache run --ttl 0 tool
	assert_runs runs 2
}

@test "dpcache run --ttl: every form is taken for what it says" {
	sqlite_only "asks by SQL"
	while read -r ttl seconds; do
		dpcache run --ttl "$ttl" --key "$ttl" tool
		run -0 sqlite3 "$DPCACHE_DIR/cache.db" 'SELECT ttl / 1e9 FROM entry ORDER BY created DESC LIMIT 1'
		assert_equal "$ttl: $output" "$ttl: $seconds"
	done <<-END
		300 300.0
		.5 0.5
		7.25 7.25
		50ms 0.05
		90s 90.0
		5m 300.0
		1h30m 5400.0
		1.5h 5400.0
		2d 172800.0
		1w 604800.0
	END
}

@test "dpcache run: the ttl is five minutes where none is given" {
	sqlite_only "asks by SQL"
	dpcache run tool
	run -0 sqlite3 "$DPCACHE_DIR/cache.db" 'SELECT ttl / 1000000000 FROM entry'
	assert_output 300
}

@test "dpcache run --ttl 1h30m: hits" {
	twice dpcache run --ttl 1h30m tool
	assert_runs runs 1
}

@test "dpcache run --ttl forever: hits" {
	twice dpcache run --ttl forever tool
	assert_runs runs 1
}

@test "dpcache run --ttl .01: past it, runs again" {
	dpcache run --ttl .01 tool
	wait_until tool_has_run_again --ttl .01
}

@test "dpcache run --ttl: is the asker's, whatever the writer's was" {
	dpcache run --ttl forever tool
	wait_until tool_has_run_again --ttl 10ms
	rm "$BATS_TEST_TMPDIR/runs"
	dpcache run --ttl 1h tool
	assert_runs runs 0
}

@test "dpcache run --ttl: the last of several counts" {
	twice dpcache run --ttl 0 --ttl 1h tool
	assert_runs runs 1
}

@test "dpcache run: an expired result is replaced, not added to" {
	dpcache run --ttl 10ms tool
	wait_until tool_has_run_again --ttl 10ms
	run -0 dpcache ls --json
	assert_equal "$(jq length <<<"$output")" 1
}

@test "dpcache run: of an expired result the reason is told" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	dpcache run --ttl 10ms tool
	wait_until tool_has_run_again --ttl 10ms
	assert_equal "$(tail -n 1 "$DPCACHE_LOG" | jq -r .reason)" expired
}

@test "dpcache run: failures are not remembered" {
	run -3 dpcache run --ttl 1h sh -c "$(counted runs); exit 3"
	run -3 dpcache run --ttl 1h sh -c "$(counted runs); exit 3"
	assert_runs runs 2
}

@test "dpcache run --ttl-fail 1h: a failure is remembered, with what it said" {
	for _ in 1 2; do
		run -3 --separate-stderr dpcache run --ttl-fail 1h sh -c "$(counted runs); echo why >&2; exit 3"
		assert_equal "$stderr" why
	done
	assert_runs runs 1
}

@test "dpcache run --ttl-fail: failures expire by it, good results do not" {
	fails_again() {
		dpcache run --ttl-fail 10ms --ttl 1h sh -c "$(counted failures); exit 1"
		(($(runs failures) > 1))
	}
	wait_until fails_again
	twice dpcache run --ttl-fail 10ms --ttl 1h tool
	assert_runs runs 1
}

@test "dpcache run --ttl-fail: is the asker's; one who wants no failures runs" {
	run -3 dpcache run --ttl-fail 1h sh -c "$(counted runs); exit 3"
	run -3 dpcache run sh -c "$(counted runs); exit 3"
	assert_runs runs 2
}

@test "dpcache run --cache-exit 1,3-5: these are good, any other is a failure, 0 among them" {
	for code in 0 1 2 3 4 5 6; do
		run "-$code" dpcache run --cache-exit 1,3-5 sh -c "$(counted "runs$code"); exit $code"
		run "-$code" dpcache run --cache-exit 1,3-5 sh -c "$(counted "runs$code"); exit $code"
	done
	for code in 0 2 6; do assert_equal "$code: $(runs "runs$code")" "$code: 2"; done
	for code in 1 3 4 5; do assert_equal "$code: $(runs "runs$code")" "$code: 1"; done
}

@test "dpcache run --cache-exit any: every status is good" {
	run -77 dpcache run --cache-exit any sh -c "$(counted runs); exit 77"
	run -77 dpcache run --cache-exit any sh -c "$(counted runs); exit 77"
	assert_runs runs 1
}

# --- not read, not written ---

@test "dpcache run --refresh: runs though remembered, and the new result is remembered" {
	run -0 dpcache run sh -c "$(counted runs); wc -l <$BATS_TEST_TMPDIR/runs"
	assert_output 1
	run -0 dpcache run --refresh sh -c "$(counted runs); wc -l <$BATS_TEST_TMPDIR/runs"
	assert_output 2
	run -0 dpcache run sh -c "$(counted runs); wc -l <$BATS_TEST_TMPDIR/runs"
	assert_output 2
}

@test "dpcache run --refresh: a refresh that fails leaves the good result" {
	command="$(counted runs); [ ! -e broken ] || exit 1; echo good"
	run -0 dpcache run sh -c "$command"
	: >broken
	run -1 dpcache run --refresh sh -c "$command"
	run -0 dpcache run sh -c "$command"
	assert_output good
}

@test "dpcache run --no-write: reads, and does not remember" {
	twice dpcache run --no-write tool
	assert_runs runs 2
	twice dpcache run tool
	twice dpcache run --no-write tool
	assert_runs runs 3
}

@test "dpcache run --no-cache: neither reads nor writes" {
	twice dpcache run --no-cache tool
	assert_runs runs 2
	assert_not_exists "$DPCACHE_DIR"
	twice dpcache run tool
	twice dpcache run --no-cache tool
	assert_runs runs 5
}

@test "dpcache run --no-cache: the command's status comes through" {
	run -9 dpcache run --no-cache sh -c 'exit 9'
	run -127 --separate-stderr dpcache run --no-cache there-is-no-such-command
	assert_one_warning there-is-no-such-command
}

@test "DPCACHE_DISABLE=1 dpcache run: neither reads nor writes" {
	DPCACHE_DISABLE=1 twice dpcache run tool
	assert_runs runs 2
	assert_not_exists "$DPCACHE_DIR"
}

@test "DPCACHE_DISABLE=0 dpcache run, and an empty one: the cache is on" {
	DPCACHE_DISABLE=0 twice dpcache run tool
	DPCACHE_DISABLE='' twice dpcache run tool
	assert_runs runs 1
}

# --- waiting ---

# A leader at work until release.
start_leader() {
	SLOW="$(counted runs); $(held); echo done"
	start leader dpcache run sh -c "$SLOW"
	wait_until has_run 1
}

@test "dpcache run --wait 0 --on-timeout fail: gives up with 75 and one line" {
	start_leader
	# In one file or apart, the question must be the leader's: apart.
	run -75 --separate-stderr dpcache run --wait 0 --on-timeout fail sh -c "$SLOW"
	assert_output ''
	assert_one_warning 'gave up waiting'
	release
	finish leader
	assert_runs runs 1
}

@test "dpcache run --wait 20ms --on-timeout fail: gives up after a while" {
	start_leader
	run -75 --separate-stderr dpcache run --wait 20ms --on-timeout fail sh -c "$SLOW"
	release
	finish leader
	assert_runs runs 1
}

@test "dpcache run --wait 0 --on-timeout fail -E 9: gives up with 9" {
	start_leader
	run -9 --separate-stderr dpcache run --wait 0 --on-timeout fail -E 9 sh -c "$SLOW"
	release
	finish leader
}

@test "dpcache run --wait 0 --on-timeout fail --timeout-status 0: gives up with 0" {
	start_leader
	run -0 --separate-stderr dpcache run --wait 0 --on-timeout fail --timeout-status 0 sh -c "$SLOW"
	assert_output ''
	release
	finish leader
}

@test "dpcache run --wait 0: runs it too, beside the leader" {
	start_leader
	start second dpcache run --wait 0 sh -c "$SLOW"
	wait_until has_run 2
	release
	finish leader
	finish second
	assert_equal "$(<second.out)" 'done'
	assert_equal "$(<second.err)" ''
}

@test "dpcache run --wait 0 --on-timeout fail: without a leader at work it runs" {
	run -0 dpcache run --wait 0 --on-timeout fail tool
	assert_output '<>'
}

@test "dpcache run --wait 0 --on-timeout fail: what is remembered needs no waiting" {
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	dpcache run tool
	dpcache run --wait 0 --on-timeout fail tool
	assert_decision hit
}

@test "dpcache run --no-coalesce: does not wait for the leader, and its result is remembered" {
	start_leader
	start second dpcache run --no-coalesce sh -c "$SLOW"
	wait_until has_run 2
	release
	finish second
	finish leader
	assert_equal "$(<second.out)" 'done'
	run -0 --separate-stderr dpcache run sh -c "$SLOW"
	assert_runs runs 2
}

@test "dpcache run --no-coalesce: nobody waits for it" {
	command="$(counted runs); $(held); echo done"
	start first dpcache run --no-coalesce sh -c "$command"
	wait_until has_run 1
	start second dpcache run sh -c "$command"
	wait_until has_run 2
	release
	finish first
	finish second
}

@test "dpcache run --no-coalesce: hits what is remembered" {
	twice dpcache run --no-coalesce tool
	assert_runs runs 1
}

# --- limits ---

@test "dpcache run --max-run: the command is ended, with one line and 143, and not remembered" {
	for _ in 1 2; do
		run -143 --separate-stderr timeout 60 dpcache run --cache-exit any --max-run 50ms \
			sh -c "$(counted runs); echo before; $(held)"
		assert_one_warning --max-run
	done
	assert_runs runs 2
}

@test "dpcache run --max-run: a command that is done in time is remembered" {
	twice dpcache run --max-run 1h tool
	assert_runs runs 1
}

@test "dpcache run --max-run: a child of the command that holds the output is not waited for" {
	run -143 --separate-stderr timeout 60 dpcache run --max-run 50ms sh -c "($(held); : >ended) & wait"
	assert_not_exists ended
	release
	wait_until test -e ended
}

@test "dpcache run --max-run: a command that has closed its output is ended as well" {
	run -143 --separate-stderr timeout 60 dpcache run --max-run 50ms sh -c "exec >&- 2>&-; $(held)"
}

@test "dpcache run --max-run: one that ignores SIGTERM is killed" {
	run -137 --separate-stderr timeout 60 dpcache run --max-run 50ms \
		sh -c "trap '' TERM; while :; do $(held); done"
	assert_one_warning --max-run
}

@test "dpcache run --no-cache --max-run: is heeded all the same" {
	run -143 --separate-stderr timeout 60 dpcache run --no-cache --max-run 50ms sh -c "$(held)"
}

@test "dpcache run: 4 MiB of arguments" {
	ulimit -s unlimited 2>/dev/null || ulimit -s 65536 2>/dev/null || skip 'the stack limit cannot be raised'
	local word words=() i
	word=$(printf '%0100000d' 0)
	for ((i = 0; i < 42; i++)); do words+=("$word$i"); done
	command="$(counted runs); shift 41; echo \$# \${#1}"
	for _ in miss hit; do
		run -0 --separate-stderr dpcache run sh -c "$command" sh "${words[@]}"
		assert_output '1 100002'
		assert_equal "$stderr" ''
	done
	assert_runs runs 1
	words[40]=${word}x
	run -0 --separate-stderr dpcache run sh -c "$command" sh "${words[@]}"
	assert_runs runs 2
}

# --- -c ---

@test "dpcache run -c STRING: runs it through /bin/sh" {
	for _ in miss hit; do
		run -0 dpcache run -c "$(counted runs); x=5; echo \$((x + 1)) | cat"
		assert_output 6
	done
	assert_runs runs 1
}

@test "dpcache run --command STRING: the same" {
	run -4 dpcache run --command 'exit 4'
}

# --- what it says ---

@test "dpcache run: silent by default, whatever happens" {
	for options in '' '' --refresh --no-write --no-cache --no-coalesce '--max-output 0'; do
		# shellcheck disable=SC2086 # several words, or none
		run -0 --separate-stderr dpcache run $options tool
		assert_equal "$options$stderr" "$options"
	done
}

@test "dpcache run -v: says on stderr what happened" {
	run -0 --separate-stderr dpcache run -v tool
	assert_output '<>'
	assert_one_warning miss
	run -0 --separate-stderr dpcache run -v tool
	assert_output '<>'
	assert_one_warning hit
}

@test "dpcache run --verbose: the same" {
	run -0 --separate-stderr dpcache run --verbose tool
	assert_one_warning miss
}

@test "DPCACHE_VERBOSE=1 dpcache run: the same; 0 and empty are off" {
	DPCACHE_VERBOSE=1 run -0 --separate-stderr dpcache run tool
	assert_one_warning miss
	DPCACHE_VERBOSE=0 run -0 --separate-stderr dpcache run tool
	assert_equal "$stderr" ''
	DPCACHE_VERBOSE='' run -0 --separate-stderr dpcache run tool
	assert_equal "$stderr" ''
}

@test "dpcache run -v: a result that is not remembered says why" {
	run -0 --separate-stderr dpcache run -v --no-write tool
	assert_one_warning --no-write
	run -3 --separate-stderr dpcache run -v sh -c 'exit 3'
	assert_one_warning 'exit status'
	run -0 --separate-stderr dpcache run -v --max-output 1 tool
	assert_one_warning --max-output
	run -0 --separate-stderr dpcache run -v --no-cache tool
	assert_one_warning bypass
}

@test "dpcache run --status-fd 7: one JSON line, on a miss and on a hit" {
	dpcache run --status-fd 7 tool 7>miss
	dpcache run --status-fd 7 tool 7>hit
	assert_equal "$(wc -l <miss)" 1
	assert_equal "$(jq -r .status miss)" miss
	assert_equal "$(jq -r .exit miss)" 0
	assert_equal "$(wc -l <hit)" 1
	assert_equal "$(jq -r .status hit)" hit
	assert_equal "$(jq -r .key hit)" "$(jq -r .key miss)"
	jq -e '.age >= 0 and .saved >= 0' hit
	run -0 dpcache show "$(jq -r .key hit)"
}

@test "dpcache run --status-fd: the exit status is in it" {
	run -3 dpcache run --ttl-fail 1h --status-fd 7 sh -c 'exit 3' 7>miss
	assert_equal "$(jq .exit miss)" 3
	run -3 dpcache run --ttl-fail 1h --status-fd 7 sh -c 'exit 3' 7>hit
	assert_equal "$(jq .exit hit)" 3
}

@test "dpcache run --no-cache --status-fd: no exit status is made up for a command yet to run" {
	run -3 dpcache run --no-cache --status-fd 7 sh -c 'exit 3' 7>line
	assert_equal "$(jq -r .status line)" bypass
	assert_equal "$(jq -r .exit line)" null
}

@test "DPCACHE_STATUS_FILE dpcache run: holds the last decision, and that alone" {
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
	dpcache run tool
	assert_equal "$(jq -r .status "$DPCACHE_STATUS_FILE")" miss
	dpcache run tool
	assert_equal "$(jq -r .status "$DPCACHE_STATUS_FILE")" hit
}

@test "DPCACHE_STATUS_FILE dpcache run: one that cannot be written is told in one line" {
	DPCACHE_STATUS_FILE=/nowhere/at/all run -0 --separate-stderr dpcache run tool
	assert_output '<>'
	assert_one_warning /nowhere/at/all
}

@test "DPCACHE_LOG dpcache run: one line of JSON for every decision" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	dpcache run tool
	dpcache run tool
	dpcache run --refresh tool
	dpcache run --no-cache tool
	run -3 dpcache run sh -c 'exit 3'
	start_leader
	run -75 --separate-stderr dpcache run --wait 0 --on-timeout fail sh -c "$SLOW"
	start follower dpcache run sh -c "$SLOW"
	wait_until assert_blocked 1 follower
	release
	finish leader
	finish follower
	run -0 jq -r .status "$DPCACHE_LOG"
	assert_equal "$(head -n 6 <<<"$output")" $'miss\nhit\nmiss\nbypass\nmiss\ntimeout'
	assert_equal "$(tail -n +7 <<<"$output" | sort)" $'follow\nmiss'
}

@test "DPCACHE_LOG dpcache run: tells time, command, process and reason" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	dpcache run --no-write tool 'a b'
	run -0 jq -e '.time > 1.6e9 and .pid > 1 and .command == "tool '"'a b'"'"
		and (.reason | contains("--no-write"))' "$DPCACHE_LOG"
}

@test "DPCACHE_LOG dpcache run: any argument makes valid JSON" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	dpcache run tool $'new\nline' $'tab\t' '"quoted"' 'back\slash' $'\x01\x7f' $'\xff\xc3' 'größer €'
	dpcache run --key $'a"\\\n\xff' tool
	assert_equal "$(wc -l <"$DPCACHE_LOG")" 2
	run -0 jq -r .status "$DPCACHE_LOG"
	iconv -f utf-8 -t utf-8 "$DPCACHE_LOG" >/dev/null
}

@test "DPCACHE_LOG dpcache run: no variable's value is in it" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	TOKEN=correct-horse dpcache run --env TOKEN tool
	run -1 grep -F correct-horse "$DPCACHE_LOG"
}

# --- --require-cache ---

@test "dpcache run --require-cache: fails, running nothing, when the cache is broken" {
	: >"$DPCACHE_DIR"
	run -125 --separate-stderr dpcache run --require-cache tool
	assert_output ''
	assert_one_warning "$DPCACHE_DIR"
	assert_runs runs 0
}

@test "dpcache run --require-cache: fails, running nothing, when the database is broken" {
	mkdir -m 700 "$DPCACHE_DIR"
	echo 'this is no database, however long one looks at it' >"$DPCACHE_DIR/$DATABASE"
	run -125 --separate-stderr dpcache run --require-cache tool
	assert_one_warning "$DATABASE"
	assert_runs runs 0
}

@test "dpcache run --require-cache: with a sound cache as without" {
	twice dpcache run --require-cache tool
	assert_runs runs 1
}

# --- wrong usage: one line, 125, nothing run, nothing stored ---

assert_refused() { # PATTERN OPTION...
	local pattern=$1
	shift
	run -125 --separate-stderr dpcache run "$@"
	assert_output ''
	assert_one_warning "$pattern"
	assert_runs runs 0
	assert_not_exists "$DPCACHE_DIR/$DATABASE"
	assert_not_exists "$DPCACHE_DIR/shelf"
}

@test "dpcache run --unknown: refused" {
	assert_refused --unknown --unknown tool
}

@test "dpcache run -x: refused" {
	assert_refused -x -x tool
}

@test "dpcache run --tt: an option is not abbreviated" {
	assert_refused --tt --tt 5 tool
}

@test "dpcache run --refresh=yes: refused, it takes no value" {
	assert_refused --refresh --refresh=yes tool
}

@test "dpcache run --ttl: refused without a value" {
	assert_refused --ttl --ttl
}

@test "dpcache run: refused without a command" {
	assert_refused 'no command'
	assert_refused 'no command' --
	assert_refused 'no command' --ttl 5m
}

@test "dpcache run: a bad option is refused though the result is remembered" {
	dpcache run tool
	run -125 --separate-stderr dpcache run --ttl abc tool
	assert_one_warning --ttl
}

@test "dpcache run -c STRING command: refused" {
	assert_refused -c -c 'echo a' tool
}

@test "dpcache run --no-coalesce --wait: refused" {
	assert_refused --no-coalesce --no-coalesce --wait 5 tool
}

@test "dpcache run --no-coalesce --on-timeout: refused" {
	assert_refused --no-coalesce --no-coalesce --on-timeout fail tool
}

@test "dpcache run --refresh --no-write: refused" {
	assert_refused --refresh --refresh --no-write tool
}

@test "dpcache run --stdin --inputs-from -: refused" {
	assert_refused --inputs-from --stdin --inputs-from - tool
}

@test "dpcache run -0: refused without --inputs-from" {
	assert_refused -0 -0 tool
}

@test "dpcache run --ttl: no duration, no run" {
	for value in abc -5 1e400 '' ' 5' '5 ' 5x 1h30 . 1..5 0x10 inf nan 99999999999w +5 5,5 forever1; do
		assert_refused --ttl --ttl "$value" tool
	done
}

@test "dpcache run --ttl-fail, --stale, --stale-if-error, --wait, --max-run: no duration, no run" {
	for option in --ttl-fail --stale --stale-if-error --wait --max-run; do
		assert_refused "$option" "$option" abc tool
		assert_refused "$option" "$option" -5 tool
		assert_refused "$option" "$option" '' tool
	done
}

@test "dpcache run --cache-exit: no list, no run" {
	for value in abc '' 256 -1 "1," ,1 5-3 1-300 1-2-3 '1 2' 'any,1'; do
		assert_refused --cache-exit --cache-exit "$value" tool
	done
}

@test "dpcache run --max-output: no size, no run" {
	for value in abc '' -5 1x 1kk 1e400 99999999999t; do
		assert_refused --max-output --max-output "$value" tool
	done
}

@test "dpcache run --on-timeout: neither run nor stale nor fail" {
	assert_refused --on-timeout --on-timeout panic tool
	assert_refused --on-timeout --on-timeout '' tool
}

@test "dpcache run --stale-if-error shorter than --stale: refused" {
	assert_refused --stale-if-error --stale 2h --stale-if-error 1h tool
	assert_refused --stale-if-error --stale-if-error 1h --stale forever tool
}

@test "dpcache run --stale-if-error as long as --stale, or none: taken" {
	dpcache run --stale 1h --stale-if-error 1h tool
	dpcache run --stale 1h --stale-if-error 0 tool
	dpcache run --stale 1h --stale-if-error forever tool
}

@test "dpcache run --early: no number above 0" {
	for value in 0 0.0 nan inf -1 abc 1e3 ' 1' 1x 99999999999; do
		assert_refused --early "--early=$value" tool
	done
}

@test "dpcache run --jitter: no percentage" {
	for value in 101 x -1 '' 1.5 10%; do
		assert_refused --jitter --jitter "$value" tool
	done
}

@test "dpcache run --refresh-mode, --follow: none of their words" {
	for option in --refresh-mode --follow; do
		for value in x '' AUTO; do assert_refused "$option" "$option" "$value" tool; done
		assert_refused "$option" "$option"
	done
}

@test "dpcache run -E: no exit status" {
	for value in 256 -1 abc '' 7x; do
		assert_refused -E -E "$value" tool
	done
}

@test "dpcache run --status-fd 77: refused, it is not open" {
	assert_refused --status-fd --status-fd 77 tool
}

@test "dpcache run --status-fd: refused, no number" {
	for value in abc -1 '' 99999999999; do
		assert_refused --status-fd --status-fd "$value" tool
	done
}

@test "dpcache run --env: refused, no variable's name" {
	assert_refused --env --env '' tool
	assert_refused --env --env A=b tool
}

@test "dpcache run --key '', --region '', --input '', --inputs-from '', --store '': refused" {
	for option in --key --region --input --inputs-from --store; do
		assert_refused "$option" "$option" '' tool
	done
}

@test "dpcache run --inputs-from FILE: refused, it is not there" {
	assert_refused missing-file --inputs-from missing-file tool
}

# Root reads everything, unless it lets go of that.
without_privilege() {
	if ((EUID == 0)); then
		command -v setpriv >/dev/null || skip 'no setpriv'
		setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search "$@"
	else
		"$@"
	fi
}

assert_unreadable_refused() { # NAME OPTION...
	local name=$1
	shift
	run -125 --separate-stderr without_privilege dpcache run "$@" tool
	assert_output ''
	assert_one_warning "$name"
	assert_runs runs 0
	assert_not_exists "$DPCACHE_DIR/$DATABASE"
}

@test "dpcache run --input FILE: refused, it cannot be read" {
	echo secret >closed-file
	chmod 000 closed-file
	assert_unreadable_refused closed-file --input closed-file
}

@test "dpcache run --input DIR: refused, a file in it cannot be read" {
	mkdir tree
	echo secret >tree/closed-file
	chmod 000 tree/closed-file
	assert_unreadable_refused closed-file --input tree
}

@test "dpcache run --input DIR: refused, a directory in it cannot be read" {
	mkdir -p tree/closed-dir
	chmod 000 tree/closed-dir
	assert_unreadable_refused closed-dir --input tree
	chmod 700 tree/closed-dir
}

@test "dpcache run --input FILE: refused, a directory on the way cannot be searched" {
	mkdir closed-dir
	chmod 000 closed-dir
	assert_unreadable_refused closed-dir --input closed-dir/file
	chmod 700 closed-dir
}

@test "dpcache run --input FILE: refused though remembered, since it can be read no more" {
	echo secret >closed-file
	dpcache run --input closed-file tool
	chmod 000 closed-file
	run -125 --separate-stderr without_privilege dpcache run --input closed-file tool
	assert_one_warning closed-file
}

@test "dpcache run --input LOOP: refused, a link that leads to itself" {
	ln -s loop loop
	assert_refused loop --input loop tool
}

@test "dpcache run --inputs-from FILE: refused, it cannot be read" {
	echo names >closed-file
	chmod 000 closed-file
	assert_unreadable_refused closed-file --inputs-from closed-file
}

@test "dpcache run: no line on stderr is torn by a newline in what it is about" {
	run -127 --separate-stderr dpcache run $'no\nsuch\ncommand'
	assert_one_warning
	run -125 --separate-stderr dpcache run --ttl $'5\n6' tool
	assert_one_warning --ttl
}
