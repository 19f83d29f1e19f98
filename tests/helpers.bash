# Loaded by every .bats file. Each test has a cache and a working directory of
# its own, and an environment in which nothing of the caller's shows.

bats_require_minimum_version 1.5.0

for library in bats-support bats-assert bats-file; do
	load "/usr/lib/bats/$library/load.bash"
done

common_setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/.." && while [ ! -e Makefile ]; do cd ..; done && pwd)
	BUILD=${DPC_TEST_BUILD:-$ROOT/build}
	unset "${!DPCACHE_@}" "${!MAKE@}" MFLAGS CI XDG_CACHE_HOME
	export LC_ALL=C.UTF-8 TZ=UTC SHELL=/bin/sh
	export DPCACHE_DIR=$BATS_TEST_TMPDIR/cache
	choose_store
	PATH=$BUILD:$PATH
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return
}

setup() {
	common_setup
}

# Which engine the suite is asked of: that of the URL in DPC_TEST_STORE, else the
# default one. What it calls its file, and its directory where nobody says which.
choose_store() {
	local scheme=${DPC_TEST_STORE-}
	scheme=${scheme%%:*}
	[[ -z $scheme ]] || export DPCACHE_STORE=$DPC_TEST_STORE
	# shellcheck disable=SC2034  # used by the tests
	case $scheme in
	'' | sqlite) DATABASE=cache.db DIRECTORY=dpcache ;;
	lmdb) DATABASE=cache.mdb DIRECTORY=dpcache-lmdb ;;
	gdbm) DATABASE=cache.gdbm DIRECTORY=dpcache-gdbm ;;
	redis) DATABASE='' DIRECTORY='' && use_redis ;;
	memcached) DATABASE='' DIRECTORY='' && use_memcached ;;
	tier) DATABASE='' DIRECTORY='' && use_redis && DPCACHE_STORE=tier:sqlite:,$DPCACHE_STORE ;;
	esac
}

# A namespace of its own on the tests' servers (with-servers), values signed.
# shellcheck disable=SC2120  # the tests have options
use_redis() { # [OPTION=VALUE...]
	[ -n "${DPC_TEST_REDIS-}" ] || skip 'no Redis server'
	use_server "redis+unix://$DPC_TEST_REDIS" "$@"
}

# shellcheck disable=SC2120
use_memcached() { # [OPTION=VALUE...]
	[ -n "${DPC_TEST_MEMCACHED-}" ] || skip 'no memcached server'
	use_server "memcached://$DPC_TEST_MEMCACHED" "$@"
}

use_server() { # URL [OPTION=VALUE...]
	make_key
	NAMESPACE=$(printf %s "$BATS_TEST_TMPDIR" | cksum | tr ' ' -)
	export DPCACHE_STORE="$1?ns=$NAMESPACE"
	local option
	for option in "${@:2}"; do DPCACHE_STORE+="&$option"; done
}

make_key() {
	export DPCACHE_KEY_FILE=$BATS_TEST_TMPDIR/key
	[ -e "$DPCACHE_KEY_FILE" ] || (umask 077 && openssl rand -hex 32 >"$DPCACHE_KEY_FILE")
}

# sqlite_only REASON: for a test that is not about the cache but about one engine.
sqlite_only() {
	[[ $DATABASE == cache.db ]] || skip "SQLite only: $1"
}

# own_files REASON: for a test about what lies in files of the home, where the truth does.
own_files() {
	[[ -n $DATABASE ]] || skip "not of a store on a server: $1"
}

# counted FILE: a line to put into a command so that each real run of it shows.
#   dpcache run -- sh -c "$(counted runs); echo result"
counted() {
	printf 'echo run >>%q' "$BATS_TEST_TMPDIR/$1"
}

# numbered FILE: the same, and which run it is in $n. That is known before it shows,
# so that the next one, whenever it comes, has another number.
numbered() {
	printf 'n=$(($(wc -l 2>/dev/null <%q) + 1))\n' "$BATS_TEST_TMPDIR/$1"
	counted "$1"
}

# LeakSanitizer, in a build that has it, cannot work under ptrace.
strace() {
	ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 command strace "$@"
}

# How many real runs there were.
runs() {
	if [ -e "$BATS_TEST_TMPDIR/$1" ]; then wc -l <"$BATS_TEST_TMPDIR/$1"; else echo 0; fi
}

assert_runs() { # FILE N
	assert_equal "$(runs "$1")" "$2"
}

# Exactly one line on stderr, from dpcache. For `run --separate-stderr`.
# shellcheck disable=SC2120  # called by the tests
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

# A command on PATH that shows its real runs in "runs" and prints its arguments.
make_tool() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	TOOL=$BATS_TEST_TMPDIR/bin/tool
	printf '#!/bin/sh\n%s\nprintf "<%%s>" "$@"\n' "$(counted runs)" >"$TOOL"
	chmod 755 "$TOOL"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# twice COMMAND...: both times it succeeds and prints the same. With two
# askings, each made twice, two real runs say: apart, and both remembered.
twice() {
	local first second
	first=$("$@") || fail "status $?: $*"
	second=$("$@") || fail "status $? the second time: $*"
	assert_equal "$second" "$first"
}

# What the last dpcache run said it did. Wants DPCACHE_STATUS_FILE.
assert_decision() { # hit, miss, follow, ...
	local line
	line=$(<"$DPCACHE_STATUS_FILE")
	[[ $line == '{"status":"'"$1"'",'* ]] || fail "not a $1: $line"
}

# start NAME COMMAND...: in the background, its streams in NAME.out and
# NAME.err. finish NAME [STATUS]: wait for it.
start() {
	local name=$1
	shift
	declare -gA pid_of
	"$@" >"$name.out" 2>"$name.err" </dev/null 3>&- &
	pid_of[$name]=$!
}

finish() {
	local status=0
	wait "${pid_of[$1]}" || status=$?
	assert_equal "$1: $status" "$1: ${2-0}"
}

# What a failed test left at work ends with it.
end_started() {
	kill -KILL "${pid_of[@]}" 2>/dev/null || true
}

# Of these, started before, how many are blocked in flock?
assert_blocked() { # COUNT NAME...
	local count=$1 name blocked=0
	shift
	for name in "$@"; do
		if grep -Eq -- "-> FLOCK .* ${pid_of[$name]} " /proc/locks; then blocked=$((blocked + 1)); fi
	done
	((blocked == count))
}

has_run() { # TIMES
	(($(runs runs) >= $1))
}

# "$(held)" in a command makes it wait there for release, which lets all later
# runs pass.
make_hold() {
	mkfifo "$BATS_TEST_TMPDIR/hold"
}

held() {
	printf 'read -r go <%q' "$BATS_TEST_TMPDIR/hold"
}

release() {
	# Opened for both, a fifo does not wait for its other end; kept open, it
	# keeps what is in it, however late who wants it comes.
	exec {hold_fd}<>"$BATS_TEST_TMPDIR/hold"
	printf 'go\n%.0s' {1..500} >&"$hold_fd"
}

# assert_usage_error COMMAND...: says so in one line, exits 125, prints nothing.
# shellcheck disable=SC2119  # no pattern
assert_usage_error() {
	run --separate-stderr "$@"
	assert_failure 125
	assert_output ''
	assert_one_warning
}

# assert_silent STATUS COMMAND...: neither stdout nor stderr.
assert_silent() {
	run "${@:2}"
	assert_equal "$status" "$1"
	assert_output ''
}

# assert_json FILTER COMMAND...: prints JSON for which the jq filter is true.
assert_json() {
	run --separate-stderr "${@:2}"
	assert_success
	# shellcheck disable=SC2154  # set by run
	jq -e "$1" <<<"$output" >/dev/null || fail "not so: $1, in: $output"
}

# Ask the cache's database by SQL; after sqlite_only.
sql() {
	sqlite3 "$DPCACHE_DIR/cache.db" "$@"
}

# Everything into the database file itself, so that damage to it is met.
checkpoint() {
	[[ $DATABASE != cache.db ]] || sql 'PRAGMA wal_checkpoint(TRUNCATE)' >checkpoint
}

# How many entries there are, manifests too.
stored() {
	dpcache doctor | sed -n 's/^ok *entries *\([0-9]*\),.*/\1/p'
}

# flip_byte FILE OFFSET
flip_byte() {
	local was
	was=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "\\x$(printf %02x $((was ^ 255)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# run_held RUN-OPTIONS...: start `dpcache run` of ./slow, which prints "result N"
# in its Nth run, and return when it is at work. Only its first run is held, until
# end_held. Its output is in held.out and held.err, the number of its runs in
# `runs slow`, the process id of its dpcache in $held_pid.
run_held() {
	mkfifo started go
	# shellcheck disable=SC2016  # for the inner shell
	printf '%s\n' '#!/bin/sh' "$(numbered slow)" \
		'if mkdir first 2>/dev/null; then echo >started; read line <go; fi' \
		'echo result $n' >slow
	chmod +x slow
	dpcache run "$@" -- ./slow >held.out 2>held.err 3>&- &
	held_pid=$!
	read -r -t 60 _ <>started || fail "never started: $(cat held.err)"
}

end_held() {
	echo >go
	wait "$held_pid"
}

# Is this process blocked in flock?
is_blocked() { # PID
	grep -Eq -- "-> FLOCK .* $1 " /proc/locks
}

# make_source: ./source, whose Nth run says so on both streams. As long as there is
# a file "slow" it waits for release first; with one named "broken" it fails; a file
# "probe" is a script that it runs before anything else.
make_source() {
	make_hold
	printf '%s\n' '#!/bin/sh' "$(numbered runs)" \
		'[ ! -e probe ] || . ./probe' \
		"[ ! -e slow ] || $(held)" \
		'[ ! -e broken ] || { echo "failure $n"; echo why >&2; exit 3; }' \
		'echo "result $n"' 'echo "notice $n" >&2' >source
	chmod +x source
}

# make_askers OPTION...: commands that ask it. ask, with these options: its result
# is past the ttl at once. look: takes what is there.
make_askers() {
	printf '#!/bin/sh\nexec dpcache run --ttl 0 %s "$@" -- ./source\n' "$*" >ask
	printf '#!/bin/sh\nexec dpcache run --ttl 1h "$@" -- ./source\n' >look
	chmod +x ask look
	PATH=$PWD:$PATH
}

assert_gives() { # TEXT COMMAND...
	run -0 --separate-stderr "${@:2}"
	assert_output "$1"
}

# Is nobody running anything?
no_locks() {
	[ -z "$(find "$DPCACHE_DIR/locks" -type f)" ]
}

# Has nobody said that he sees to a refresh? That is a lock on a file of the shelf,
# held until the one that is for runs has been taken.
no_claims() {
	! find "$DPCACHE_DIR/shelf" -type f -printf ':%i \n' | grep -qFf - /proc/locks
}

no_refresh() {
	no_claims && no_locks
}

# Until what was begun behind somebody's back is over.
refreshed() {
	wait_until no_refresh
}

# Bash code, with all functions at hand, where mounts are its own and end with
# it.
with_mounts() { # CODE
	local namespace=(unshare --mount)
	((EUID == 0)) || namespace=(unshare --map-root-user --mount)
	"${namespace[@]}" true 2>/dev/null || skip "no mount namespaces here"
	mkdir probe
	"${namespace[@]}" mount -t tmpfs none probe 2>/dev/null || skip "mount is not permitted"
	"${namespace[@]}" bash -c "$(declare -f); $1" 3>&-
}
