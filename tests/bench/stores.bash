# The measures of the library and the engines behind it; sourced by bench, whose words
# they use. What is compared, and that it is fair, says stores.c.
# shellcheck disable=SC2154  # build, tests and million are set there

stores=$build/bench/stores
# Those of which a million entries are made; one that is not built in is left out.
engines=(sqlite lmdb)

# rate LINE: calls per second, as a part of those of the last line.
rate() {
	field "$1" 4
}

ns_each() { # line of took, line compared with
	printf '%.1f µs against %.1f µs' "$(calculate "$(field "$1" 1) / 1000")" "$(calculate "$(field "$2" 1) / 1000")"
}

# at_least MEASURE BAR VALUE REMARK
at_least() {
	local verdict=ok
	awk "BEGIN { exit !($3 < $2) }" && verdict=MISSED
	row "$1" "≥ $2" "$(printf %.2f "$3") ($4)" "$verdict"
}

has_diskcache() {
	/usr/bin/python3 -c 'import diskcache' 2>/dev/null
}

# without_diskcache MEASURE BAR
without_diskcache() {
	row "$1" "≥ $2" 'could not be measured: no python3-diskcache' skipped
}

with_engine() { # engine
	"$stores" -e 1 -n 1 -b 1 get "$1:$PWD/probe-$1" >/dev/null 2>&1
}

# Against the engine alone, of which the second line tells.
library_get() {
	"$stores" get "sqlite:$PWD/ours" "raw-sqlite:$PWD/raw" >took
	at_least 'library get of 1 KB, calls per second against SQLite alone' 0.6 "$(rate 1)" "$(ns_each 1 2)"
	with_engine lmdb || return 0
	"$stores" get "lmdb:$PWD/ours-lmdb" "raw-lmdb:$PWD/raw-lmdb" >took
	at_least 'library get of 1 KB, calls per second against LMDB alone' 0.5 "$(rate 1)" "$(ns_each 1 2)"
	"$stores" -s 1024 fill "lmdb:$PWD/filled" >/dev/null
	"$stores" get "filled:1000:lmdb:$PWD/filled" "raw-lmdb:$PWD/raw-again" >took
	row 'the same, of values that were not read since the last commit' – \
		"$(printf %.2f "$(rate 1)") ($(ns_each 1 2))" –
}

library_put() {
	local set='library set of 1 KB, calls per second against'
	"$stores" put "sqlite:$PWD/ours" "raw-sqlite:$PWD/raw" >took
	at_least "$set SQLite alone" 0.6 "$(rate 1)" "$(ns_each 1 2)"
	has_diskcache || { without_diskcache "$set diskcache" 1; return; }
	"$stores" put "sqlite:$PWD/beside" "python:$tests/bench/stores_diskcache.py" >took
	at_least "$set diskcache" 1 "$(rate 1)" "$(ns_each 1 2)"
}

library_memory() {
	local get='library get of 1 KB, memory in front, calls per second against diskcache'
	has_diskcache || { without_diskcache "$get" 5; return; }
	"$stores" get "tier:mem:,sqlite:$PWD/ours" "python:$tests/bench/stores_diskcache.py" >took
	at_least "$get" 5 "$(rate 1)" "$(ns_each 1 2)"
}

# The server is asked each time, and each value's signature looked at.
library_redis() {
	command -v redis-server >/dev/null || cannot 'no redis-server'
	redis-server --port 0 --unixsocket "$PWD/sock" --save '' --dir "$PWD" >server.log &
	local server=$!
	until redis-cli -s "$PWD/sock" ping >/dev/null 2>&1; do sleep 0.02; done
	(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >key)
	export DPCACHE_KEY_FILE=$PWD/key
	"$stores" get "redis+unix://$PWD/sock" "raw-redis:$PWD/sock" >took
	kill "$server"
	at_least 'library get of 1 KB from Redis, calls per second against hiredis alone' 0.85 "$(rate 1)" "$(ns_each 1 2)"
}

# The last ones of so many, behind a commit: nothing that a handle remembers counts.
library_million() {
	local engine bytes
	for engine in "${engines[@]}"; do
		with_engine "$engine" || continue
		"$stores" -e 1000 -s 100 fill "$engine:$PWD/small-$engine" >/dev/null
		bytes=$("$stores" -e "$million" -s 100 fill "$engine:$PWD/large-$engine")
		"$stores" -s 100 get "filled:1000:$engine:$PWD/small-$engine" \
			"filled:$million:$engine:$PWD/large-$engine" >took
		at_most "library get among 1,000,000 entries, against 1,000: $engine" 1.5 '' \
			"$(calculate "$(field 2 1) / $(field 1 1)")" "$(ns_each 2 1)"
		row "disk for an entry of 100 bytes: $engine" – "$bytes bytes" –
	done
}
