#!/usr/bin/env bats
# dpcache run --early, --jitter, and --on-timeout stale.
#
# Whether a hit refreshes ahead of expiry is left to chance; with a beta beyond
# all measure it is next to certain, with one below it impossible.
# shellcheck disable=SC2016,SC2030,SC2031,SC2120,SC2154,SC2317 # scripts in quotes;
# tests are subshells; variables are set by run and start

load helpers

setup() {
	common_setup
	make_source
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/decision
}

teardown() {
	release
	end_started
}

HUGE=999999999
TINY=0.000000001

ask() { # OPTION...
	dpcache run --ttl 1h "$@" -- ./source
}

# A hit that starts a refresh.
early_hit_runs() { # TIMES
	assert_gives 'result 1' ask --early=$HUGE
	assert_decision hit
	has_run "$1"
}

# --- early ---

@test "dpcache run --early: a hit refreshes ahead of expiry, and gives what was fresh at once" {
	ask >out 2>err
	: >slow
	wait_until early_hit_runs 2
	release
	refreshed
	assert_gives 'result 2' ask
	assert_runs runs 2
}

@test "dpcache run --early: one refresh at a time, and all callers have a hit" {
	ask >out 2>err
	: >slow
	wait_until early_hit_runs 2
	for _ in 1 2 3 4 5; do
		assert_gives 'result 1' ask --early=$HUGE
		assert_decision hit
	done
	assert_runs runs 2
	release
	refreshed
	assert_json '.stale == 0 and .hits > 5' dpcache stats --json
}

@test "dpcache run --early: a beta next to nothing refreshes nothing" {
	ask >out 2>err
	for _ in {1..50}; do assert_gives 'result 1' ask --early=$TINY; done
	no_refresh
	assert_runs runs 1
}

@test "dpcache run --early: a result that lives forever is not refreshed" {
	ask --ttl forever >out 2>err
	for _ in {1..20}; do assert_gives 'result 1' ask --ttl forever --early=$HUGE; done
	no_refresh
	assert_runs runs 1
}

@test "dpcache run --early: past the ttl it is a miss as ever" {
	ask >out 2>err
	assert_gives 'result 2' dpcache run --ttl 0 --early=$HUGE -- ./source
	assert_decision miss
}

@test "dpcache run --early: without a value it takes none of the next word" {
	ask --early >out 2>err
	assert_equal "$(<out)" 'result 1'
	run -0 --separate-stderr dpcache run --early echo 5
	assert_output 5
}

@test "dpcache run --early: the early one says why, and the log has a line of the refresh" {
	export DPCACHE_LOG=$BATS_TEST_TMPDIR/log
	ask >out 2>err
	: >slow
	wait_until early_hit_runs 2
	release
	wait_until grep -q refresh "$DPCACHE_LOG"
	run -0 jq -r 'select(.status == "hit" and .reason != null) | .reason' "$DPCACHE_LOG"
	assert_line --partial 'ahead of expiry'
	wait_until grep -q '"status":"refresh"' "$DPCACHE_LOG"
}

@test "dpcache run --early: a refresh that fails leaves the result, and the source alone for a while" {
	ask >out 2>err
	: >broken
	early_hit() { # until it has run
		assert_gives 'result 1' ask --early=$HUGE --ttl-fail 1h
		has_run 2
	}
	wait_until early_hit
	refreshed
	for _ in 1 2 3 4 5; do assert_gives 'result 1' ask --early=$HUGE --ttl-fail 1h; done
	no_refresh
	assert_runs runs 2
}

@test "dpcache run --early --refresh-mode fg: the one who refreshes has the new result" {
	ask >out 2>err
	runs_in_front() {
		ask --early=$HUGE --refresh-mode fg >out 2>err
		has_run 2
	}
	wait_until runs_in_front
	assert_equal "$(<out)" 'result 2'
	assert_decision miss
}

@test "dpcache run --early --refresh-mode fg: a failure is no answer in place of a result that is fresh" {
	ask >out 2>err
	touch broken
	until has_run 2; do
		assert_gives 'result 1' ask --early=$HUGE --refresh-mode fg
	done
}

# --- jitter ---

@test "dpcache run --jitter: within the ttl's shortest share it is a hit" {
	ask --ttl forever >out 2>err
	for percent in 0 1 50 99; do
		assert_gives 'result 1' ask --ttl 10000w --jitter "$percent"
		assert_decision hit
	done
}

@test "dpcache run --jitter: nothing lives longer than its ttl" {
	ask >out 2>err
	assert_gives 'result 2' dpcache run --ttl 1ns --jitter 100 -- ./source
}

@test "dpcache run --jitter: a result that lives forever does so" {
	ask >out 2>err
	assert_gives 'result 1' dpcache run --ttl forever --jitter 100 -- ./source
}

# --- --on-timeout stale ---

# One at work past an old result.
start_leader() {
	ask >out 2>err
	: >slow
	start leader dpcache run --ttl 0 -- ./source
	wait_until has_run 2
}

@test "dpcache run --wait 0 --on-timeout stale: gives the old result, however old" {
	start_leader
	assert_gives 'result 1' dpcache run --ttl 1ns --wait 0 --on-timeout stale -- ./source
	assert_decision stale
	jq -e '.reason == "expired" and .age > 0' "$DPCACHE_STATUS_FILE"
	assert_runs runs 2
	release
	finish leader
	assert_equal "$(<leader.out)" 'result 2'
}

@test "dpcache run --wait 20ms --on-timeout stale: after a while gives the old result" {
	start_leader
	assert_gives 'result 1' dpcache run --ttl 0 --wait 20ms --on-timeout stale -- ./source
	assert_runs runs 2
}

@test "dpcache run --wait 0 --on-timeout stale: the core does as the front" {
	start_leader
	assert_gives 'result 1' "$BUILD/dpcache-core" run --ttl 0 --wait 0 --on-timeout stale -- ./source
	rm -r "$DPCACHE_DIR/shelf"
	assert_gives 'result 1' dpcache run --ttl 0 --wait 0 --on-timeout stale -- ./source
	assert_runs runs 2
}

@test "dpcache run --wait 0 --on-timeout stale: with nothing old it runs too, uncached" {
	: >slow
	start leader ask
	wait_until has_run 1
	start second ask --wait 0 --on-timeout stale
	wait_until has_run 2
	release
	finish leader
	finish second
	assert_equal "$(<second.out)" 'result 2'
	assert_gives 'result 1' ask
}

@test "dpcache run --wait 0 --on-timeout stale: what was invalidated is not given" {
	start_leader
	dpcache invalidate --all
	start second dpcache run --ttl 0 --wait 0 --on-timeout stale -- ./source
	wait_until has_run 3
	release
	finish leader
	finish second
	assert_equal "$(<second.out)" 'result 3'
}

@test "dpcache run --on-timeout stale: who has time has the new result" {
	start_leader
	start follower dpcache run --ttl 0 --on-timeout stale -- ./source
	wait_until assert_blocked 1 follower
	release
	finish leader
	finish follower
	assert_equal "$(<follower.out)" 'result 2'
}

@test "dpcache run --wait 0 --on-timeout fail, run: the old result is none of theirs" {
	start_leader
	run -75 --separate-stderr dpcache run --ttl 0 --wait 0 --on-timeout fail -- ./source
	start second dpcache run --ttl 0 --wait 0 --on-timeout run -- ./source
	wait_until has_run 3
	release
	finish second
	assert_equal "$(<second.out)" 'result 3'
}
