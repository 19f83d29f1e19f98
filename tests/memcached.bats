# A store on memcached servers, two of them, as several machines see it: a machine is a
# directory of its own (DPCACHE_DIR). What it has in common with Redis is in redis.bats.
load helpers
load machines

setup() {
	common_setup
	use_memcached l1_ttl=0
	make_tool
}

teardown() {
	end_started
	[ -z "${own_pid-}" ] || kill -KILL "$own_pid" 2>/dev/null || true
}

# say PORT LINE: to the server there; its answer up to the end of that.
say() {
	exec {server}<>"/dev/tcp/127.0.0.1/$1" || return 1
	printf '%s\r\nquit\r\n' "$2" >&"$server"
	tr -d '\r' <&"$server"
	exec {server}>&-
}

is_own() {
	say "$own_port" stats 2>/dev/null | grep -q "^STAT pid $own_pid\$"
}

# A server that this test alone has, and may do harm to; the store is there.
own_server() { # OPTION...
	for _ in {1..50}; do
		own_port=${own_port-$((20000 + RANDOM % 30000))}
		start_own "$@"
		if wait_until answers_or_is_gone && is_own; then break; fi
		unset own_port
	done
	export DPCACHE_STORE="memcached://127.0.0.1:$own_port?l1_ttl=0"
}

start_own() { # OPTION...
	memcached -u "$(id -un)" -l 127.0.0.1 -p "$own_port" "$@" </dev/null >"$BATS_TEST_TMPDIR/own.log" 2>&1 3>&- &
	own_pid=$!
}

answers_or_is_gone() {
	is_own || ! kill -0 "$own_pid" 2>/dev/null
}

end_own() {
	kill -KILL "$own_pid"
	wait "$own_pid" || true
}

# --- what machines share ---

@test "memcached: what one machine has run, another is answered" {
	on one dpcache run tool x
	run -0 --separate-stderr on two dpcache run tool x
	assert_output '<x>'
	# shellcheck disable=SC2154  # set by run
	assert_equal "$stderr" ''
	assert_runs runs 1
}

@test "memcached: a result larger than an item comes whole, and leaves no file behind" {
	with_option zstd=0
	on one dpcache run -c 'seq 700000' >out
	assert_not_exists "$BATS_TEST_TMPDIR/one/data"/*/*
	export DPCACHE_STATUS_FILE=$BATS_TEST_TMPDIR/status
	on two dpcache run -c 'seq 700000' >again
	cmp out again
	assert_decision hit
}

@test "memcached: rm on one machine is rm on all" {
	on one dpcache run --key name tool x
	on two dpcache rm name
	on one dpcache run --key name tool x
	assert_runs runs 2
}

@test "memcached: invalidate --all on one machine holds on all" {
	on one dpcache run tool x
	on two dpcache run tool x
	on two dpcache invalidate --all
	on one dpcache run tool x
	assert_runs runs 2
	on two dpcache run tool x
	assert_runs runs 2
}

@test "memcached: a run that began before invalidate --all on another machine is void" {
	run_held
	on two dpcache invalidate --all
	end_held
	on two dpcache run -- ./slow
	assert_runs slow 2
}

@test "memcached: traced results are shared" {
	echo one >file
	on one dpcache run --trace -- sh -c "$(counted runs); cat file"
	run -0 on two dpcache run --trace -- sh -c "$(counted runs); cat file"
	assert_output one
	assert_runs runs 1
}

# --- one run among machines ---

@test "memcached: many at once on two machines, and one run" {
	make_hold
	local n
	for n in {1..5}; do
		start "one$n" on one dpcache run -- sh -c "$(counted once); $(held); echo out"
		start "two$n" on two dpcache run -- sh -c "$(counted once); $(held); echo out"
	done
	wait_until test -e "$BATS_TEST_TMPDIR/once"
	release
	for n in {1..5}; do
		finish "one$n"
		finish "two$n"
		assert_equal "$(cat "one$n.out" "two$n.out")" $'out\nout'
	done
	assert_runs once 1
}

@test "memcached: a machine that is gone in mid-run: its lease runs out, and another takes over" {
	with_option lease=1s
	on one run_held
	# As if its power had failed: nothing of it is left.
	# shellcheck disable=SC2154  # set by run_held
	kill -KILL "$held_pid"
	run -0 --separate-stderr on two dpcache run -- ./slow
	assert_output 'result 2'
	assert_equal "$(on two dpcache run -- ./slow)" 'result 2'
}

@test "memcached: a leader who died on this machine: his lease is taken over at once" {
	with_option lease=1h
	run_held
	kill -KILL "$held_pid"
	run -0 --separate-stderr dpcache run -- ./slow
	assert_output 'result 2'
	assert_equal "$(on two dpcache run -- ./slow)" 'result 2'
}

@test "memcached: whoever was paused past his lease stores nothing" {
	with_option lease=1s
	on one run_held
	kill -STOP "$held_pid"
	run -0 --separate-stderr on two dpcache run -- ./slow
	assert_output 'result 2'
	kill -CONT "$held_pid"
	end_held
	assert_equal "$(cat held.out)" 'result 1'
	assert_equal "$(on two dpcache run -- ./slow)" 'result 2'
	assert_runs slow 2
}

@test "memcached: rm of what runs elsewhere voids that run" {
	on one run_held --key name
	on two dpcache rm name || true
	end_held
	assert_silent 1 on two dpcache show name
}

# --- what cannot be listed ---

# In one line, and nothing else.
assert_cannot_list() { # COMMAND...
	assert_usage_error "$@"
	[[ $stderr == 'dpcache: memcached cannot list what it holds' ]] || fail "$stderr"
}

@test "memcached: ls, prune and invalidate --match say that it cannot be listed" {
	here dpcache run tool x
	assert_cannot_list dpcache ls
	assert_cannot_list dpcache ls --json
	assert_cannot_list dpcache prune
	assert_cannot_list dpcache invalidate --match '*'
}

@test "memcached: stats counts, but not the entries" {
	on one dpcache run tool x
	on one dpcache run tool x
	on two dpcache run tool x
	on one dpcache stats >/dev/null
	run -0 on two dpcache stats --json
	assert_equal "$(jq -c '[.hits, .misses, .entries]' <<<"$output")" '[2,1,null]'
	run -0 --separate-stderr dpcache stats --reset
	assert_line 'entries    unknown: memcached cannot list what it holds'
	assert_equal "$stderr" ''
	assert_json '.hits == 0' dpcache stats --json
}

@test "memcached: show, explain and doctor do without a list" {
	here dpcache run --key name tool x
	run -0 dpcache show name
	assert_line --regexp '^command +'
	assert_line --regexp '^exit +0'
	run -1 --separate-stderr dpcache explain -- tool y
	assert_equal "$stderr" ''
	assert_line --partial 'no run of this command is remembered'
	run -0 dpcache doctor
	assert_line --regexp '^ok +store +sound'
	assert_line --regexp '^note +entries +not looked at: memcached cannot list'
}

@test "memcached: doctor mends what was left in files all the same" {
	here dpcache run tool x
	mkdir -p "$DPCACHE_DIR/data/ab"
	echo orphan >"$DPCACHE_DIR/data/ab/orphan"
	run -1 dpcache doctor
	assert_line --partial 'data/ab/orphan belongs to no entry'
	run -0 dpcache doctor --fix
	assert_not_exists "$DPCACHE_DIR/data/ab/orphan"
}

# --- a server that fails ---

@test "memcached: nobody there: the command runs, one line names the server, and it is not asked at each call" {
	export DPCACHE_STORE="memcached://127.0.0.1:1"
	assert_runs_with_word 'memcached://127.0.0.1:1: cannot connect' dpcache run tool x
	assert_runs_with_word 'is asked again in' dpcache run tool x
}

@test "memcached: a server that does not answer is not waited for beyond io_timeout" {
	own_server
	here dpcache run tool x
	kill -STOP "$own_pid"
	with_option io_timeout=100ms
	assert_runs_with_word 'does not answer in time' dpcache run tool x
	kill -CONT "$own_pid"
}

@test "memcached: a server that ends in mid-run: output and status come through, one line says so" {
	own_server
	run_held
	end_own
	end_held
	assert_equal "$(cat held.out)" 'result 1'
	assert_equal "$(wc -l <held.err)" 1
	assert_file_contains held.err "^dpcache: .*127.0.0.1:$own_port: "
}

@test "memcached: a server that was restarted has forgotten all, and is used again" {
	own_server
	twice dpcache run tool x
	assert_runs runs 1
	end_own
	own_server
	twice dpcache run tool x
	assert_runs runs 2
}

@test "memcached: a full server: the command runs, one line says so" {
	own_server -m 2 -M
	local n
	for n in {1..100}; do
		head -c 500000 /dev/urandom | dpcache put --ttl 1h "filler$n" 2>err || break
	done
	assert_file_contains err 'the server is full'
	head -c 500000 /dev/urandom >noise
	dpcache run cat noise >out 2>err
	cmp noise out
	assert_equal "$(grep -c 'the server is full' err)" "$(wc -l <err)"
}

@test "memcached: a server with small items: the command runs, one line says so" {
	own_server -I 512k
	with_option zstd=0
	dpcache run -- seq 200000 >out 2>err
	cmp out <(seq 200000)
	assert_file_contains err 'takes no item of that size'
	assert_equal "$(wc -l <err)" 1
}

@test "memcached: what does not speak its protocol: one line" {
	[ -n "${DPC_TEST_REDIS_PORT-}" ] || skip 'no Redis server'
	export DPCACHE_STORE="memcached://127.0.0.1:$DPC_TEST_REDIS_PORT"
	assert_runs_with_word "memcached://127.0.0.1:$DPC_TEST_REDIS_PORT: " dpcache run tool x
}

@test "memcached: URLs that make no sense: the command runs, each has its line" {
	assert_runs_with_word 'names no host' dpcache run --store memcached:// tool x
	assert_runs_with_word "database's number" dpcache run --store memcached://host/1 tool x
	assert_runs_with_word 'none of' dpcache run --store 'memcached://host?db=1' tool x
	assert_runs_with_word 'has none' dpcache run --store memcached://me@host tool x
}

@test "memcached: its descriptors are out of the command's way" {
	# Between it and the command is its keeper.
	# shellcheck disable=SC2016  # for the inner shell
	dpcache run -- sh -c 'ls -l /proc/$(sed -n "s/^PPid:.//p" /proc/$PPID/status)/fd' </dev/null >fds
	! grep -E ' [0-9]{1,2} -> socket' fds || fail "$(cat fds)"
	grep -q ' 1[0-9][0-9] -> socket' fds
}

@test "memcached: --read-only takes what is there, and puts nothing" {
	on one dpcache run tool x
	on two dpcache run --read-only tool x
	assert_runs runs 1
	on two dpcache run --read-only tool y
	on one dpcache run tool y
	assert_runs runs 3
}
