# What a store's URL may name, and what comes of one that names nothing that works.
load helpers

setup() {
	common_setup
	unset DPCACHE_STORE
	make_tool
}

# The command runs each time, its output and status intact, and one line says why.
assert_uncached() { # PATTERN OPTION...
	local pattern=$1 before
	before=$(runs runs)
	shift
	for _ in 1 2; do
		run -0 --separate-stderr dpcache run "$@" tool x
		assert_output '<x>'
		assert_one_warning "$pattern"
	done
	assert_runs runs $((before + 2))
}

assert_nothing_made() {
	assert_not_exists "$DPCACHE_DIR"
	assert_equal "$(ls -A)" ''
}

@test "a store of unknown kind: the command runs, one line says what there is" {
	assert_uncached "unknown store 'paper:' (known: sqlite:" --store paper://host
	assert_uncached "unknown store 'sqlite'" --store sqlite
	DPCACHE_STORE=paper:tape assert_uncached "unknown store 'paper:'"
	assert_nothing_made
}

@test "a store of unknown kind: with --require-cache nothing runs" {
	run -125 --separate-stderr dpcache run --require-cache --store paper://host tool
	assert_output ''
	assert_one_warning "unknown store 'paper:'"
	assert_runs runs 0
}

@test "a password in a store's URL is not told" {
	run -0 --separate-stderr dpcache run --store paper://me:secret@host tool
	# shellcheck disable=SC2154  # set by run
	[[ $stderr != *secret* ]] || fail "$stderr"
}

@test "null: every call runs, and no file is made" {
	export DPCACHE_STORE=null:
	for n in 1 2 3; do
		run -0 --separate-stderr dpcache run tool x
		assert_output '<x>'
		assert_equal "$stderr" ''
		assert_runs runs $n
	done
	run -3 dpcache run -- sh -c 'exit 3'
	assert_nothing_made
}

@test "null: is asked and told without an error, and remembers nothing" {
	export DPCACHE_STORE=null:
	echo value | dpcache put name
	assert_silent 1 dpcache get name
	assert_silent 1 dpcache rm name
	assert_silent 0 dpcache invalidate --all
	assert_silent 0 dpcache prune
	assert_silent 0 dpcache ls
	assert_json '. == []' dpcache ls --json
	run -0 dpcache doctor
	assert_line --partial 'null: keeps nothing'
	assert_nothing_made
}

@test "mem: every process has its own, so that every call runs, and no file is made" {
	export DPCACHE_STORE=mem:
	for n in 1 2; do
		run -0 --separate-stderr dpcache run tool x
		assert_output '<x>'
		assert_equal "$stderr" ''
		assert_runs runs $n
	done
	echo value | dpcache put name
	assert_silent 1 dpcache get name
	assert_silent 0 dpcache invalidate --all
	assert_json '. == []' dpcache ls --json
	run -0 dpcache doctor
	assert_line --partial 'mem: keeps nothing'
	assert_nothing_made
}

@test "null: with --require-cache nothing runs, for nothing could keep others out" {
	run -125 --separate-stderr dpcache run --require-cache --store null: tool
	assert_one_warning 'keeps nothing'
	assert_runs runs 0
}

@test "doctor lists the engines" {
	run -0 dpcache doctor
	assert_line --regexp '^ok +library +sqlite [0-9.]+'
	assert_json 'map(select(.what == "library") | .text | split(" ")[0]) == ["sqlite", "lmdb", "gdbm", "redis", "memcached"]' dpcache doctor --json
}

# --- engines that are loaded ---

# A dpcache of its own, with no objects beside it.
alone() {
	local dir=$BATS_TEST_TMPDIR/alone
	mkdir "$dir"
	cp "$BUILD"/dpcache "$BUILD"/dpcache-core "$BUILD"/dpcache-core-shared "$dir"
	PATH=$dir:$PATH
}

# What may lie beside it: of what shall be version $1, with structures of $2 bytes.
plant_object() { # VERSION SIZE
	printf '%s\n' 'struct { unsigned abi, sizes[4]; void *ops; }' \
		"dpcache_store = {$1, {$2, $2, $2, $2}, 0};" >"$BATS_TEST_TMPDIR/object.c"
	cc -shared -fPIC "$BATS_TEST_TMPDIR/object.c" -o "$BATS_TEST_TMPDIR/alone/dpcache-store-gdbm.so" 3>&-
}

@test "an engine that is not there: the command runs, one line says so" {
	alone
	assert_uncached 'gdbm: is not built into' --store gdbm:
	DPCACHE_STORE=gdbm:here assert_uncached 'gdbm: is not built into'
	assert_usage_error dpcache ls --store=gdbm:
	assert_nothing_made
	run -0 dpcache doctor
	assert_line --regexp '^note +library +gdbm is not built in'
}

@test "an engine of another version of dpcache is refused" {
	alone
	for object in '99 8' '1 8'; do
		# shellcheck disable=SC2086  # two words
		plant_object $object
		assert_uncached 'dpcache-store-gdbm.so is of another version of dpcache' --store gdbm:
	done
	assert_usage_error dpcache ls --store gdbm:
	assert_nothing_made
	run -1 dpcache doctor
	assert_line --regexp '^broken +library .*another version'
}

@test "an engine that cannot be loaded: the command runs, one line says why" {
	alone
	echo 'no object' >"$BATS_TEST_TMPDIR/alone/dpcache-store-gdbm.so"
	assert_uncached 'gdbm: cannot be loaded' --store gdbm:
	assert_nothing_made
}

@test "without the core that loads, the other one does what it can" {
	alone
	rm "$BATS_TEST_TMPDIR/alone/dpcache-core-shared"
	twice dpcache run tool x
	assert_runs runs 1
	twice dpcache run --store null: -- tool gdbm:x
	assert_runs runs 3
	run -0 dpcache doctor
}

# Which programs does it become?
cores() { # OPTION...
	command -v strace >/dev/null || skip 'no strace'
	strace -f -e trace=execve -o trace "$@" >out 2>err
	sed -En 's|.*/(dpcache[a-z-]*)", .* = 0$|\1|p' trace | tr '\n' ' '
}

@test "only whose engine must be loaded becomes the core that loads" {
	assert_equal "$(cores dpcache run tool a)" 'dpcache dpcache-core '
	assert_equal "$(cores dpcache run --store gdbm: tool b)" 'dpcache dpcache-core-shared '
	assert_equal "$(cores dpcache run --store=gdbm: tool c)" 'dpcache dpcache-core-shared '
	assert_equal "$(DPCACHE_STORE=gdbm: cores dpcache run tool d)" 'dpcache dpcache-core-shared '
	assert_equal "$(cores dpcache doctor)" 'dpcache dpcache-core-shared '
	assert_equal "$(cores dpcache run tool a)" 'dpcache '
}

# --- LMDB, GDBM ---

# Where it is not built in, its URL is as good as an unknown one.
with_engine() { # NAME
	dpcache doctor | grep -q "^ok *library *$1" || skip "no $1 in this build"
}

@test "lmdb: not built in: the command runs, one line says so" {
	! dpcache doctor | grep -q '^ok *library *lmdb' || skip 'LMDB is in this build'
	assert_uncached 'lmdb: is not built into' --store lmdb:
	assert_nothing_made
}

keeps_it_there() { # ENGINE FILE
	with_engine "$1"
	export DPCACHE_STORE=$1:$BATS_TEST_TMPDIR/elsewhere
	twice dpcache run tool x
	assert_runs runs 1
	assert_exists "$BATS_TEST_TMPDIR/elsewhere/$2"
	assert_nothing_made
	rm -r "$BATS_TEST_TMPDIR/elsewhere/shelf"
	twice dpcache run tool x
	assert_runs runs 1
}

@test "lmdb:DIRECTORY keeps it there, and only there" {
	keeps_it_there lmdb cache.mdb
}

@test "gdbm:DIRECTORY keeps it there, and only there" {
	keeps_it_there gdbm cache.gdbm
}

# holds A B: the home of an A cache is not taken for one of B.
holds() { # A B TITLE
	local dir=$BATS_TEST_TMPDIR/$1-$2
	dpcache run --store "$1:$dir" tool x
	rm "$BATS_TEST_TMPDIR/runs"
	assert_uncached "$2:$dir: holds $3 cache; use $1:$dir" --store "$2:$dir"
	assert_usage_error dpcache ls --store "$2:$dir"
	# What says so is lost: the file says it, too.
	rm "$dir/state"
	assert_uncached "use $1:$dir" --store "$2:$dir"
	run -0 --separate-stderr dpcache run --store "$1:$dir" tool x
	assert_equal "$stderr" ''
	rm "$BATS_TEST_TMPDIR/runs"
}

@test "a home of one engine is refused by another, and not mixed" {
	with_engine lmdb
	with_engine gdbm
	holds sqlite lmdb 'an SQLite'
	holds lmdb sqlite 'an LMDB'
	holds sqlite gdbm 'an SQLite'
	holds gdbm lmdb 'a GDBM'
	holds lmdb gdbm 'an LMDB'
}

@test "a hit costs the same system calls whatever the engine" {
	with_engine lmdb
	with_engine gdbm
	command -v strace >/dev/null || skip 'no strace'
	for url in sqlite lmdb gdbm; do
		export DPCACHE_STORE=$url:$BATS_TEST_TMPDIR/$url
		dpcache run -- true >out 2>err
		strace -f -o "$url" dpcache run -- true >out 2>err
		assert_equal "$(wc -l <"$url")" "$(wc -l <sqlite)"
		assert_equal "$(grep -c execve "$url")" 1
	done
}

fifty_at_once() { # ENGINE
	with_engine "$1"
	export DPCACHE_STORE=$1:
	make_hold
	for n in {1..50}; do start "caller$n" dpcache run -- sh -c "$(counted once); $(held); echo out"; done
	wait_until test -e "$BATS_TEST_TMPDIR/once"
	release
	for n in {1..50}; do
		finish "caller$n"
		assert_equal "$(cat "caller$n.out")" out
	done
	assert_runs once 1
}

@test "lmdb: fifty at once, and one run" {
	fifty_at_once lmdb
}

@test "gdbm: fifty at once, and one run" {
	fifty_at_once gdbm
}

lose_nothing() { # ENGINE
	with_engine "$1"
	export DPCACHE_STORE=$1:
	for n in {1..40}; do
		start "put$n" dpcache put "name$n" <<<"x"
		start "ls$n" dpcache ls
	done
	for n in {1..40}; do
		finish "put$n"
		finish "ls$n"
		assert_equal "$(cat "ls$n.err")" ''
	done
	assert_json 'length == 40' dpcache ls --json
	run -0 dpcache doctor
}

@test "lmdb: writers and readers at once lose nothing" {
	lose_nothing lmdb
}

@test "gdbm: writers and readers at once lose nothing" {
	lose_nothing gdbm
}

@test "gdbm: a damaged file is told by doctor, and moved aside" {
	with_engine gdbm
	export DPCACHE_STORE=gdbm:
	dpcache run tool x
	head -c 20000 /dev/zero >"$DPCACHE_DIR/cache.gdbm"
	run -1 dpcache doctor
	assert_line --regexp '^broken +store +.*cache.gdbm is damaged'
	run -0 dpcache doctor --fix
	assert_exists "$DPCACHE_DIR"/cache.gdbm.broken-*
	twice dpcache run --ttl 1h tool y
	run -0 dpcache doctor
}

@test "an engine's object offers one name, and no path of the build" {
	with_engine gdbm
	run -0 nm -D --defined-only "$BUILD/dpcache-store-gdbm.so"
	assert_output --regexp '^[0-9a-f]+ . dpcache_store$'
	run readelf -d "$BUILD/dpcache-store-gdbm.so"
	refute_output --regexp 'R(UN)?PATH'
}
