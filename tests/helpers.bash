# Loaded by every .bats file. Each test has a cache and a working directory of
# its own, and an environment in which nothing of the caller's shows.

bats_require_minimum_version 1.5.0

for library in bats-support bats-assert bats-file; do
	load "/usr/lib/bats/$library/load.bash"
done

common_setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && while [ ! -e Makefile ]; do cd ..; done && pwd)
	BUILD=${DPC_TEST_BUILD:-$ROOT/build}
	unset "${!DPCACHE_@}" CI XDG_CACHE_HOME
	export LC_ALL=C.UTF-8 TZ=UTC
	export DPCACHE_DIR=$BATS_TEST_TMPDIR/cache
	PATH=$BUILD:$PATH
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return
}

setup() {
	common_setup
}

# counted FILE: a line to put into a command so that each real run of it shows.
#   dpcache run -- sh -c "$(counted runs); echo result"
counted() {
	printf 'echo run >>%q' "$BATS_TEST_TMPDIR/$1"
}

# How many real runs there were.
runs() {
	if [ -e "$BATS_TEST_TMPDIR/$1" ]; then wc -l <"$BATS_TEST_TMPDIR/$1"; else echo 0; fi
}

assert_runs() { # FILE N
	assert_equal "$(runs "$1")" "$2"
}

# Exactly one line on stderr, from dpcache. For `run --separate-stderr`.
assert_one_warning() { # [PATTERN]
	# shellcheck disable=SC2154  # set by run --separate-stderr
	assert_equal "${#stderr_lines[@]}" 1
	[[ ${stderr_lines[0]} == dpcache:* ]] || fail "not a dpcache warning: ${stderr_lines[0]}"
	[[ -z ${1-} || ${stderr_lines[0]} == *"$1"* ]] || fail "warning lacks '$1': ${stderr_lines[0]}"
}

# wait_until COMMAND...: for an event that has no descriptor to wait on.
# Polls for at most a minute; being slow never fails a test.
wait_until() {
	local tries=6000
	until "$@"; do
		((--tries)) || fail "never came true: $*"
		sleep 0.01
	done
}

# Is somebody blocked in flock on a file below the cache's locks?
waiters() {
	grep -c -- '-> FLOCK' /proc/locks || true
}
