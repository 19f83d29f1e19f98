# shellcheck disable=SC2154  # pid_of is set by start
# Interleavings that once went wrong, each forced by events rather than by luck.

load helpers

# A command that prints what file `f` holds, tells that it has begun, and goes on
# when told to.
slow_cat() {
	mkfifo begun go
	printf '%s\n' '#!/bin/sh' 'cat f' 'echo >begun' 'read line <go' >slow
	chmod +x slow
}

@test "dpcache invalidate KEY: voids a run outside the lock, too" {
	slow_cat
	echo old >f
	dpcache run --no-coalesce --key k -- ./slow &
	read -r _ <begun
	echo new >f
	dpcache invalidate k
	echo >go
	wait
	run dpcache run --key k -- cat f
	assert_output new
}

@test "dpcache invalidate --match: voids a run outside the lock, too" {
	slow_cat
	echo old >f
	dpcache run --no-coalesce -- ./slow >first &
	read -r _ <begun
	echo new >f
	dpcache invalidate --match '*slow*'
	echo >go
	wait
	printf '%s\n' '#!/bin/sh' 'cat f' >slow
	run dpcache run --no-exe -- ./slow
	assert_output new
}

@test "dpcache put during a run of the same name: the newer value stays" {
	slow_cat
	echo old >f
	dpcache run --key k -- ./slow >first &
	read -r _ <begun
	echo new | dpcache put k
	echo >go
	wait
	run dpcache get k
	assert_output new
}

@test "leader killed between commit and unlink: what it stored is not written over" {
	own_files 'files in its home'
	command -v strace >/dev/null || skip 'no strace'
	dpcache run -- true
	printf '%s\n' '#!/bin/sh' 'cat f' 'head -c 300000 /dev/zero' >large
	chmod +x large
	echo one >f
	strace -f -o /dev/null -e trace=unlinkat -e inject=unlinkat:signal=KILL:when=1 \
		dpcache run --key k -- ./large >first || true
	assert_equal "$(find "$DPCACHE_DIR/locks" -type f | wc -l)" 1
	echo two >f
	dpcache run --ttl 0 --no-write --key k -- ./large >second
	dpcache run --key k -- ./large >third
	cmp first third
	run dpcache doctor
	assert_success
}

@test "leader killed between commit and shelf: its file is nobody's answer later" {
	command -v strace >/dev/null || skip 'no strace'
	dpcache run -- true
	echo one >f
	strace -f -o /dev/null -e trace=renameat -e inject=renameat:signal=KILL:when=1 \
		dpcache run --key k -- cat f || true
	echo two >f
	# While somebody still looks at the file, too.
	exec 8<"$(find "$DPCACHE_DIR/locks" -type f)"
	flock -s 8
	start late sh -c 'exec dpcache run --ttl 0 --key k -- cat f 8<&-'
	wait_until is_waiting "${pid_of[late]}"
	exec 8<&-
	finish late 0
	assert_equal "$(<late.out)" two
}

is_waiting() {
	grep -q -- "-> FLOCK .* $1 " /proc/locks
}

@test "rm killed half-way: the value can still be removed" {
	command -v strace >/dev/null || skip 'no strace'
	echo value | dpcache put name
	strace -f -o /dev/null -e trace=unlinkat -e inject=unlinkat:signal=KILL:when=1 dpcache rm name || true
	dpcache rm name || true
	run dpcache get name
	assert_failure 1
}

@test "database removed by hand: what was answered from the shelf can be invalidated" {
	own_files 'its database'
	dpcache run --key k -- echo one
	rm "$DPCACHE_DIR/$DATABASE"*
	dpcache invalidate k
	run dpcache run --key k -- echo two
	assert_output two
}

@test "dpcache run --stdin with stdin closed, in a cache that exists: the command runs" {
	dpcache run -- true
	dpcache run --stdin -- echo result <&- >out 2>err
	assert_equal "$(<out)" result
}

@test "dpcache run with hardly a descriptor above our floor: the command runs" {
	dpcache run -- true
	for limit in 100 101 102 103 104 105; do
		run bash -c "ulimit -n $limit && dpcache run -- echo $limit 2>/dev/null"
		assert_success
		assert_output "$limit"
	done
}

@test "dpcache run: an input that changes all the time leaves no lock behind" {
	dpcache run -- true
	(while [ ! -e over ]; do echo $((n++)) >flux; done) &
	for i in $(seq 30); do dpcache run --input flux -- true "$i"; done
	touch over
	wait
	assert_equal "$(find "$DPCACHE_DIR/locks" -type f)" ''
}

@test "dpcache run --refresh of many at once: those who came before a run began share it" {
	make_hold
	start first dpcache run --refresh -- sh -c "$(counted runs); $(held); echo result"
	wait_until has_run 1
	for i in 1 2 3 4 5 6; do
		start "more$i" dpcache run --refresh -- sh -c "$(counted runs); $(held); echo result"
	done
	for i in 1 2 3 4 5 6; do wait_until is_waiting "${pid_of[more$i]}"; done
	release
	finish first 0
	for i in 1 2 3 4 5 6; do
		finish "more$i" 0
		assert_equal "$(<"more$i.out")" result
	done
	# The first's, and one for all who came while it ran.
	assert_runs runs 2
}
