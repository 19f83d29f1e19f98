# A store in a file here, in front of one on a server.
load helpers

setup() {
	common_setup
	use_redis
	FAR=$DPCACHE_STORE
	make_tool
	# Nothing on the shelf, so that the two are asked.
	export DPCACHE_STORE="tier:sqlite:,$FAR"
}

# on MACHINE COMMAND...: with streams that are two, and the shelf gone.
on() {
	rm -rf "$BATS_TEST_TMPDIR/$1/shelf"
	DPCACHE_DIR=$BATS_TEST_TMPDIR/$1 "${@:2}" 2>on.err
}

server() {
	redis-cli -s "$DPC_TEST_REDIS" "$@"
}

# What the near store says of all its entries: that they were put an hour ago.
age_near() { # MACHINE
	sqlite3 "$BATS_TEST_TMPDIR/$1/cache.db" 'UPDATE entry SET created = created - 3600000000000'
}

@test "tier: what one machine has run, another is answered, and both have it near" {
	on one dpcache run tool x
	on two dpcache run tool x
	assert_runs runs 1
	for machine in one two; do
		assert_equal "$(sqlite3 "$BATS_TEST_TMPDIR/$machine/cache.db" 'SELECT count(*) FROM entry')" 1
	done
}

@test "tier: what is near answers without the server, for as long as l1_ttl says" {
	on one dpcache run tool x
	on two dpcache run tool x
	server --raw keys "dpc:$NAMESPACE:{*}:v" | xargs redis-cli -s "$DPC_TEST_REDIS" del
	on two dpcache run tool x
	assert_runs runs 1
	age_near two
	on two dpcache run tool x
	assert_runs runs 2
}

@test "tier: with the server gone the near one answers, and what is new runs with a word" {
	export DPCACHE_STORE="tier:sqlite:,redis+unix://$BATS_TEST_TMPDIR/own.sock"
	redis-server --port 0 --unixsocket "$BATS_TEST_TMPDIR/own.sock" --save '' --dir "$BATS_TEST_TMPDIR" \
		</dev/null >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_until redis-cli -s "$BATS_TEST_TMPDIR/own.sock" ping
	on one dpcache run tool x
	kill -KILL $pid
	on one dpcache run tool x
	assert_runs runs 1
	assert_equal "$(cat on.err)" ''
	on one dpcache run tool y
	assert_equal "$(wc -l <on.err)" 1
	assert_file_contains on.err 'own.sock: cannot connect'
}

@test "tier: removal and invalidation go to both" {
	on one dpcache run --key name tool x
	on one dpcache rm name
	on one dpcache run --key name tool x
	assert_runs runs 2
	on one dpcache invalidate --all
	on one dpcache run --key name tool x
	assert_runs runs 3
}

@test "tier: a near store that is damaged is no loss" {
	on one dpcache run tool x
	echo noise >"$BATS_TEST_TMPDIR/one/cache.db"
	rm -f "$BATS_TEST_TMPDIR/one/cache.db-"*
	on one dpcache run tool x
	assert_runs runs 1
	assert_equal "$(cat on.err)" ''
}

@test "tier: pruning takes what is near and too old" {
	on one dpcache run tool x
	age_near one
	on one dpcache prune
	assert_equal "$(sqlite3 "$BATS_TEST_TMPDIR/one/cache.db" 'SELECT count(*) FROM entry')" 0
	on one dpcache run tool x
	assert_runs runs 1
}

@test "tier: LMDB may be the near one, in a directory of its own" {
	dpcache doctor | grep -q '^ok *library *lmdb' || skip 'no LMDB in this build'
	export DPCACHE_STORE="tier:lmdb:$BATS_TEST_TMPDIR/near,$FAR"
	twice dpcache run tool x
	assert_runs runs 1
	assert_exists "$BATS_TEST_TMPDIR/near/cache.mdb"
}

@test "tier: what is no tier is refused in words" {
	local url
	for url in tier: tier:sqlite: "tier:sqlite:," "tier:$FAR,sqlite:" "tier:null:,redis://host" "tier:sqlite:,tier:sqlite:,redis://host"; do
		run -0 --separate-stderr dpcache run --store "$url" tool x
		assert_output '<x>'
		assert_one_warning 'such as tier:sqlite:,redis://HOST'
	done
}

@test "tier: many at once on two machines, and one run" {
	make_hold
	local n
	for n in {1..5}; do
		for machine in one two; do
			DPCACHE_DIR=$BATS_TEST_TMPDIR/$machine \
				start "$machine$n" dpcache run -- sh -c "$(counted once); $(held); echo out"
		done
	done
	wait_until test -e "$BATS_TEST_TMPDIR/once"
	release
	for n in {1..5}; do
		finish "one$n"
		finish "two$n"
	done
	assert_runs once 1
}
