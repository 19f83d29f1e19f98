# A store on a Redis server, as several machines see it: a machine is a directory of its
# own (DPCACHE_DIR) on the same server.
# shellcheck disable=SC2154  # set by run and by the helpers
load helpers
load machines

setup() {
	common_setup
	use_redis l1_ttl=0
	make_tool
}

teardown() {
	end_started
	[ -z "${own_pid-}" ] || kill -KILL "$own_pid" 2>/dev/null || true
}

redis() {
	redis-cli -s "$DPC_TEST_REDIS" "$@"
}

# The names of this test's keys of one kind: v entries, l leases.
keys() { # KIND
	redis --raw keys "dpc:$NAMESPACE:{*}:$1"
}

has_keys() { # KIND
	[ -n "$(keys "$1")" ]
}

has_no_keys() {
	[ -z "$(keys "$1")" ]
}

# A server that this test alone has, and may do harm to; the store is there.
own_server() { # OPTION...
	redis-server --port 0 --unixsocket "$BATS_TEST_TMPDIR/own.sock" --save '' --dir "$BATS_TEST_TMPDIR" "$@" \
		</dev/null >"$BATS_TEST_TMPDIR/own.log" 2>&1 3>&- &
	own_pid=$!
	wait_until redis-cli -s "$BATS_TEST_TMPDIR/own.sock" ping
	export DPCACHE_STORE="redis+unix://$BATS_TEST_TMPDIR/own.sock?l1_ttl=0"
}

# --- what machines share ---

@test "redis: what one machine has run, another is answered" {
	on one dpcache run tool x
	run -0 --separate-stderr on two dpcache run tool x
	assert_output '<x>'
	assert_equal "$stderr" ''
	assert_runs runs 1
}

@test "redis: variables that are named are digested alike on all machines" {
	export VARIABLE=value
	on one dpcache run --env VARIABLE tool x
	on two dpcache run --env VARIABLE tool x
	assert_runs runs 1
	VARIABLE=other on two dpcache run --env VARIABLE tool x
	assert_runs runs 2
}

@test "redis: a large result comes whole, and leaves no file behind" {
	on one dpcache run -c 'seq 200000' >out
	assert_not_exists "$BATS_TEST_TMPDIR/one/data"/*/*
	on two dpcache run --no-write -c 'seq 200000' >again
	cmp out again
	run -0 dpcache stats --json
	assert_equal "$(jq .entries <<<"$output")" 1
}

@test "redis: rm on one machine is rm on all" {
	on one dpcache run --key name tool x
	on two dpcache rm name
	on one dpcache run --key name tool x
	assert_runs runs 2
}

@test "redis: invalidate --all on one machine holds on all" {
	on one dpcache run tool x
	on two dpcache run tool x
	on two dpcache invalidate --all
	on one dpcache run tool x
	assert_runs runs 2
	on two dpcache run tool x
	assert_runs runs 2
}

@test "redis: a run that began before invalidate --all on another machine is void" {
	run_held
	on two dpcache invalidate --all
	end_held
	on two dpcache run -- ./slow
	assert_runs slow 2
}

@test "redis: statistics are of all machines together" {
	on one dpcache run tool x
	on one dpcache run tool x
	on two dpcache run tool x
	on one dpcache stats >/dev/null
	run -0 on two dpcache stats --json
	assert_equal "$(jq -c '[.hits, .misses, .entries]' <<<"$output")" '[2,1,1]'
}

@test "redis: namespaces do not see each other" {
	here dpcache run tool x
	DPCACHE_STORE="redis+unix://$DPC_TEST_REDIS?ns=$NAMESPACE-b" on two dpcache run tool x
	assert_runs runs 2
}

@test "redis: a directory of one namespace is refused to another" {
	here dpcache run tool x
	DPCACHE_STORE="redis+unix://$DPC_TEST_REDIS?ns=$NAMESPACE-b" \
		assert_runs_with_word 'belongs to another store or namespace' dpcache run tool x
}

@test "redis: over TCP, too" {
	export DPCACHE_STORE="redis://127.0.0.1:$DPC_TEST_REDIS_PORT/1?ns=$NAMESPACE"
	on one dpcache run tool x
	on two dpcache run tool x
	assert_runs runs 1
}

@test "redis: what lies on the shelf is good for l1_ttl, and no longer" {
	with_option l1_ttl=1h
	on one dpcache run tool x
	on two dpcache rm "$(on two dpcache ls --json | jq -r '.[0].key')"
	on one dpcache run tool x
	assert_runs runs 1
	find "$BATS_TEST_TMPDIR/one/shelf" -type f -exec touch -d '2 hours ago' {} +
	on one dpcache run tool x
	assert_runs runs 2
}

@test "redis: a hit within l1_ttl asks nobody, and costs what it costs elsewhere" {
	command -v strace >/dev/null || skip 'no strace'
	with_option l1_ttl=1h
	here dpcache run -- true >out 2>err
	strace -f -o calls dpcache run -- true >out 2>err
	assert_equal "$(grep -c execve calls)" 1
	! grep -q connect calls || fail "$(grep connect calls)"
}

# --- one run among machines ---

@test "redis: many at once on two machines, and one run" {
	make_hold
	local n
	for n in {1..10}; do
		start "one$n" on one dpcache run -- sh -c "$(counted once); $(held); echo out"
		start "two$n" on two dpcache run -- sh -c "$(counted once); $(held); echo out"
	done
	wait_until test -e "$BATS_TEST_TMPDIR/once"
	release
	for n in {1..10}; do
		finish "one$n"
		finish "two$n"
		assert_equal "$(cat "one$n.out" "two$n.out")" $'out\nout'
	done
	assert_runs once 1
}

@test "redis: who follows on the leader's machine waits as the front, and asks no server" {
	make_hold
	start leader dpcache run -- sh -c "$(counted once); $(held); echo out"
	wait_until test -e "$BATS_TEST_TMPDIR/once"
	start follower dpcache run -- sh -c "$(counted once); $(held); echo out"
	wait_until assert_blocked 1 follower
	assert_equal "$(<"/proc/${pid_of[follower]}/comm")" dpcache
	release
	finish leader
	finish follower
	assert_equal "$(cat follower.out)" out
	assert_runs once 1
}

@test "redis: a machine that is gone in mid-run: its lease runs out, and another takes over" {
	with_option lease=300ms
	on one run_held
	# As if its power had failed: nothing of it is left.
	kill -KILL "$held_pid"
	run -0 --separate-stderr on two dpcache run -- ./slow
	assert_output 'result 2'
	assert_equal "$(on two dpcache run -- ./slow)" 'result 2'
}

@test "redis: a leader who died on this machine: his lease is taken over at once" {
	with_option lease=1h
	run_held
	kill -KILL "$held_pid"
	run -0 --separate-stderr dpcache run -- ./slow
	assert_output 'result 2'
	assert_equal "$(on two dpcache run -- ./slow)" 'result 2'
}

@test "redis: a lease is renewed for as long as the command runs" {
	with_option lease=300ms
	on one run_held
	local fence
	fence=$(redis get "$(keys l)")
	# It would have run out by now.
	sleep_past_renewals
	assert_equal "$(redis get "$(keys l)")" "$fence"
	end_held
	assert_equal "$(on two dpcache run -- ./slow)" 'result 1'
	has_no_keys l
}

# Until the server has set the lease's time anew three times.
sleep_past_renewals() {
	local name last left rises=0
	name=$(keys l)
	last=$(redis pttl "$name")
	while ((rises < 3)); do
		left=$(redis pttl "$name")
		((left > 0)) || fail "the lease ran out"
		((left <= last)) || rises=$((rises + 1))
		last=$left
	done
}

@test "redis: whoever was paused past his lease stores nothing" {
	with_option lease=300ms
	on one run_held
	kill -STOP "$held_pid"
	wait_until has_no_keys l
	run -0 --separate-stderr on two dpcache run -- ./slow
	assert_output 'result 2'
	kill -CONT "$held_pid"
	end_held
	assert_equal "$(cat held.out)" 'result 1'
	assert_equal "$(on two dpcache run -- ./slow)" 'result 2'
	assert_runs slow 2
}

@test "redis: paused past his lease, with nobody else there, stores nothing either" {
	with_option lease=300ms
	run_held
	kill -STOP "$held_pid"
	wait_until has_no_keys l
	kill -CONT "$held_pid"
	end_held
	has_no_keys v
}

@test "redis: rm of what runs elsewhere voids that run" {
	on one run_held --key name
	on two dpcache rm name || true
	end_held
	has_no_keys v
}

@test "redis: --wait counts for a run on another machine, too" {
	on one run_held
	run -75 --separate-stderr on two dpcache run --wait 50ms --on-timeout fail -- ./slow
	assert_one_warning 'still being run'
	end_held
}

@test "redis: an expired result is refreshed by one machine; the others serve what is old" {
	make_source
	make_askers --stale 1h
	assert_gives 'result 1' on one ask
	touch slow
	assert_gives 'result 1' on one ask
	wait_until has_keys l
	# In the foreground, so that it has looked before the other one's run ends.
	assert_gives 'result 1' on two ask --refresh-mode fg
	release
	DPCACHE_DIR=$BATS_TEST_TMPDIR/one refreshed
	DPCACHE_DIR=$BATS_TEST_TMPDIR/two refreshed
	assert_runs runs 2
	assert_gives 'result 2' on two look
}

# --- a server that fails ---

@test "redis: nobody there: the command runs, one line says so, and it is not asked at each call" {
	export DPCACHE_STORE="redis+unix://$BATS_TEST_TMPDIR/none.sock"
	assert_runs_with_word 'cannot connect: No such file' dpcache run tool x
	assert_runs_with_word 'is asked again in' dpcache run tool x
}

@test "redis: nobody there: fifty at once, and one run" {
	export DPCACHE_STORE="redis+unix://$BATS_TEST_TMPDIR/none.sock"
	make_hold
	local n
	for n in {1..50}; do start "caller$n" dpcache run -- sh -c "$(counted once); $(held); echo out"; done
	wait_until test -e "$BATS_TEST_TMPDIR/once"
	wait_until assert_blocked 49 caller{1..50}
	release
	for n in {1..50}; do
		finish "caller$n"
		assert_equal "$(cat "caller$n.out")" out
	done
	assert_runs once 1
}

@test "redis: nobody there, and --require-cache: nothing runs" {
	export DPCACHE_STORE="redis+unix://$BATS_TEST_TMPDIR/none.sock"
	run -125 --separate-stderr dpcache run --require-cache tool x
	assert_one_warning 'cannot connect'
	assert_runs runs 0
}

@test "redis: a server that does not answer is not waited for beyond io_timeout" {
	own_server
	here dpcache run tool x
	kill -STOP "$own_pid"
	with_option io_timeout=100ms
	assert_runs_with_word 'does not answer in time' dpcache run tool x
	kill -CONT "$own_pid"
}

@test "redis: a server that ends in mid-run: output and status come through, one line says so" {
	own_server
	run_held
	kill -KILL "$own_pid"
	end_held
	assert_equal "$(cat held.out)" 'result 1'
	assert_equal "$(wc -l <held.err)" 1
	assert_file_contains held.err '^dpcache: .*own.sock: '
}

@test "redis: a server that comes back is used again" {
	own_server
	kill -KILL "$own_pid"
	wait "$own_pid" || true
	assert_runs_with_word 'cannot connect' dpcache run tool x
	own_server
	rm "$DPCACHE_DIR/down"
	here dpcache run tool x
	twice dpcache run tool x
	assert_runs runs 2
}

@test "redis: a server that was emptied: everything is a miss" {
	own_server
	here dpcache run tool x
	redis-cli -s "$BATS_TEST_TMPDIR/own.sock" flushall
	twice dpcache run tool x
	assert_runs runs 2
}

@test "redis: a full server: the command runs, one line says so" {
	own_server --maxmemory 1500kb --maxmemory-policy noeviction
	local try
	for try in {1..200}; do
		head -c 65536 /dev/urandom | redis-cli -s "$BATS_TEST_TMPDIR/own.sock" -x set "filler$try" >/dev/null
	done
	assert_runs_with_word 'the server says: OOM' dpcache run tool x
}

@test "redis: a server that may only be read: the command runs, one line says so" {
	own_server --min-replicas-to-write 1
	assert_runs_with_word 'the server says: NOREPLICAS' dpcache run tool x
}

@test "redis: what does not speak its protocol: one line" {
	export DPCACHE_STORE="redis://localhost:$DPC_TEST_TLS_PORT"
	assert_runs_with_word "redis://localhost:$DPC_TEST_TLS_PORT: " dpcache run tool x
}

@test "redis: a database that the server lacks: one line" {
	export DPCACHE_STORE="redis://127.0.0.1:$DPC_TEST_REDIS_PORT/99"
	assert_runs_with_word 'the server says: ERR DB index' dpcache run tool x
}

@test "redis: URLs that make no sense: the command runs, each has its line" {
	assert_runs_with_word 'names no host' dpcache run --store redis:// tool x
	assert_runs_with_word 'port that is not' dpcache run --store redis://host:0 tool x
	assert_runs_with_word 'port that is not' dpcache run --store redis://host:70000 tool x
	assert_runs_with_word 'no // behind' dpcache run --store redis:host tool x
	assert_runs_with_word 'none of' dpcache run --store 'redis://host?colour=red' tool x
	run --separate-stderr dpcache run --store redis://me:secret@host tool x
	assert_one_warning 'DPCACHE_PASSWORD'
	[[ $stderr != *secret* ]]
}

# --- whose values are believed ---

# What is stored, changed by a script in Lua.
tamper() { # LUA
	redis eval "local v = redis.call('GET', KEYS[1]) $1 return redis.call('SET', KEYS[1], v)" 1 "$(keys v)"
}

@test "redis: a value altered on the server is a miss, with a line, and is counted" {
	here dpcache run tool x
	tamper "v = string.sub(v, 1, -2) .. 'X'"
	assert_runs_with_word 'value on the server is damaged' dpcache run tool x
	tamper "v = string.sub(v, 1, 80) .. 'X' .. string.sub(v, 82)"
	assert_runs_with_word 'signature does not match' dpcache run tool x
	run -0 --separate-stderr dpcache run tool x
	assert_equal "$stderr" ''
	assert_runs runs 3
	run -0 dpcache stats --json
	assert_equal "$(jq .refused <<<"$output")" 1
}

@test "redis: a value cut short, empty or of another program: a line each" {
	here dpcache run tool x
	tamper "v = string.sub(v, 1, 60)"
	assert_runs_with_word 'redis+unix://' dpcache run tool x
	tamper "v = 'hello'"
	assert_runs_with_word "not one of dpcache's" dpcache run tool x
	redis del "$(keys v)"
	run -0 --separate-stderr dpcache run tool x
	assert_equal "$stderr" ''
}

@test "redis: a value of a later version: a line" {
	here dpcache run tool x
	tamper "v = 'DPV9' .. string.sub(v, 5)"
	assert_runs_with_word 'later version' dpcache run tool x
}

@test "redis: a value signed by another key is not believed" {
	here dpcache run tool x
	local other=$BATS_TEST_TMPDIR/other
	# The same secret behind the questions: the last key of the file.
	(umask 077 && openssl rand -hex 32 >"$other" && cat "$DPCACHE_KEY_FILE" >>"$other")
	DPCACHE_KEY_FILE=$other here dpcache run --refresh tool x
	assert_runs runs 2
	assert_runs_with_word 'key that is not in the key file' dpcache run tool x
}

@test "redis: a new key in front, the old one behind: what was signed by either is believed" {
	here dpcache run tool x
	local new
	new=$(openssl rand -hex 32)
	printf '%s\n' '# rotated' "$new" "$(cat "$DPCACHE_KEY_FILE")" >"$BATS_TEST_TMPDIR/rotated"
	chmod 600 "$BATS_TEST_TMPDIR/rotated"
	export DPCACHE_KEY_FILE=$BATS_TEST_TMPDIR/rotated
	here dpcache run tool x
	here dpcache run tool y
	here dpcache run tool y
	assert_runs runs 2
}

@test "redis: an unsigned value is not believed by who signs" {
	export DPCACHE_STORE="$DPCACHE_STORE&unsigned=1"
	echo planted | here dpcache put name
	redis rename "$(keys v)" kept
	DPCACHE_STORE=${DPCACHE_STORE%&*}
	rm -r "$DPCACHE_DIR"
	echo mine | here dpcache put name
	redis rename kept "$(keys v)"
	assert_silent 1 dpcache get name
}

@test "redis: a value moved under another key is not believed" {
	here dpcache run --key one -- echo secret
	local one
	one=$(keys v)
	here dpcache run --key two -- echo other
	local all
	all=$(keys v)
	for name in $all; do [ "$name" = "$one" ] || redis rename "$one" "$name"; done
	run -0 --separate-stderr dpcache run --key two -- echo other
	assert_output other
	assert_one_warning 'signature does not match'
}

@test "redis: without a key nothing is stored, and one line says how to make one" {
	DPCACHE_KEY_FILE=$BATS_TEST_TMPDIR/none assert_runs_with_word 'openssl rand -hex 32' dpcache run tool x
	has_no_keys v
	DPCACHE_KEY_FILE=$BATS_TEST_TMPDIR/none twice dpcache run --unsigned tool x
	assert_runs runs 2
}

@test "redis: a key file that others may read is refused" {
	chmod 644 "$DPCACHE_KEY_FILE"
	assert_runs_with_word "chmod 600 $DPCACHE_KEY_FILE" dpcache run tool x
}

@test "redis: --read-only takes what is there, and puts nothing" {
	on one dpcache run tool x
	on two dpcache run --read-only tool x
	assert_runs runs 1
	run -0 --separate-stderr on two dpcache run --read-only tool y
	assert_output '<y>'
	assert_equal "$(keys v | wc -l)" 1
	run on two dpcache rm --store "$DPCACHE_STORE&read_only=1" "$(on one dpcache ls --json | jq -r '.[0].key')"
	assert_failure
	assert_equal "$(keys v | wc -l)" 1
}

@test "redis: options of a server's store are refused for others" {
	DPCACHE_STORE=sqlite: assert_usage_error dpcache run --read-only tool x
	DPCACHE_STORE=sqlite: assert_usage_error dpcache run --lease 1s tool x
	assert_usage_error dpcache run --lease '' tool x
}

# --- passwords and TLS ---

with_tls() {
	export DPCACHE_STORE="rediss://cache@localhost:$DPC_TEST_TLS_PORT?ns=$NAMESPACE&ca=$DPC_TEST_CA"
	export DPCACHE_PASSWORD='open sesame'
}

@test "rediss: TLS, a user and a password" {
	with_tls
	twice dpcache run tool x
	on two dpcache run tool x
	assert_runs runs 1
	run -0 dpcache doctor
	assert_line --regexp '^ok +store'
}

@test "rediss: the password from a file" {
	with_tls
	unset DPCACHE_PASSWORD
	export DPCACHE_PASSWORD_FILE=$BATS_TEST_TMPDIR/password
	(umask 077 && echo 'open sesame' >"$DPCACHE_PASSWORD_FILE")
	twice dpcache run tool x
	on two dpcache run tool x
	assert_runs runs 1
	chmod 640 "$DPCACHE_PASSWORD_FILE"
	assert_runs_with_word 'chmod 600' on three dpcache run tool x
}

@test "rediss: a wrong password, or none: one line, and it is not told" {
	with_tls
	DPCACHE_PASSWORD=swordfish
	assert_runs_with_word 'WRONGPASS' dpcache run tool x
	[[ $stderr != *swordfish* ]]
	unset DPCACHE_PASSWORD
	assert_runs_with_word 'NOAUTH' on two dpcache run tool x
}

@test "rediss: a certificate that leads to no known one, or is another's: one line" {
	with_tls
	DPCACHE_STORE="rediss://cache@localhost:$DPC_TEST_TLS_PORT?ns=$NAMESPACE"
	assert_runs_with_word 'TLS: ' dpcache run tool x
	DPCACHE_STORE="rediss://cache@127.0.0.1:$DPC_TEST_TLS_PORT?ns=$NAMESPACE&ca=$DPC_TEST_CA"
	assert_runs_with_word 'TLS: ' on two dpcache run tool x
	DPCACHE_STORE="rediss://cache@localhost:$DPC_TEST_TLS_PORT?ns=$NAMESPACE&ca=$BATS_TEST_TMPDIR/none.pem"
	assert_runs_with_word 'TLS: ' on three dpcache run tool x
}

@test "rediss: a server that speaks no TLS: one line" {
	export DPCACHE_STORE="rediss://localhost:$DPC_TEST_REDIS_PORT?ns=$NAMESPACE&io_timeout=300ms"
	assert_runs_with_word "rediss://localhost:$DPC_TEST_REDIS_PORT: " dpcache run tool x
}
