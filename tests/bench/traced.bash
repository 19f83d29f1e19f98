# The measures of `dpcache run --trace`; sourced by bench, whose words they use.

# A program of some size, as programs are: sources that include a common set of
# headers, theirs and the system's, and a Makefile that puts its products into O.
make_program() { # sources
	local i j
	mkdir include src
	for i in {1..30}; do
		printf '#ifndef H%s\n#define H%s\nstruct s%s { int a[%s]; struct s%s *next; };\n' "$i" "$i" "$i" "$i" "$i"
		printf 'static inline int f%s(struct s%s *s) { int t = 0; for (int i = 0; i < %s; i++) t += s->a[i]; return t; }\n#endif\n' \
			"$i" "$i" "$i"
	done | awk '/^#ifndef/ { file = "include/" tolower(substr($2, 1)) ".h" } { print >file }'
	for ((i = 1; i <= $1; i++)); do
		printf '#include <%s>\n' stdio.h stdlib.h string.h unistd.h errno.h sys/stat.h
		printf '#include "h%s.h"\n' {1..30}
		for j in {1..60}; do
			printf 'int g%s_%s(struct s30 *s, const char *p) { int t = f30(s) + (int)strlen(p); for (int i = 0; i < %s; i++) t = t * 31 + p[i %% 3] + s->a[i %% 30]; printf("%%d", t); return t; }\n' "$i" "$j" "$j"
		done
	done | awk -v n="$1" '/^#include <stdio/ { file = "src/" ++i ".c" } { print >file }'
	printf 'OBJ = $(patsubst src/%%.c,$(O)/%%.o,$(wildcard src/*.c))\nall: $(OBJ)\n$(O)/%%.o: src/%%.c\n\t@gcc -O2 -Iinclude -c $< -o $@\n' >Makefile
}

# As configure does: a few hundred short processes.
make_probes() {
	cat >probes <<-'SH'
		mkdir "$1" && cd "$1" || exit 1
		i=0
		while [ $i -lt 40 ]; do
			i=$((i + 1))
			echo "int main(void) { return $i; }" >conftest.c
			gcc -c conftest.c -o conftest.o >conftest.err 2>&1
			grep -c error conftest.err >result
			sed -e 's/0/no/' result >conftest.out
			cat conftest.out >>log
			rm -f conftest.c conftest.o
		done
	SH
}

# traced_against MEASURE BAR ROUNDS COMMAND...: one of them traced, with %n for a name of its own.
traced_against() {
	local measure=$1 bar=$2 n=$3
	shift 3
	"$spawn" -n "$n" -w 1 "$dpcache" run --salt "untraced-%n" -- "${@//DIR/untraced-%n}" \
		--- "$dpcache" run --trace --salt "traced-%n" -- "${@//DIR/traced-%n}" >took
	compared 2 "$measure" "$bar"
}

traced_build() {
	make_program 16
	settle src include
	traced_against 'traced build (`make -j2`), against untraced' 1.03 5 \
		sh -c 'mkdir "$0" && exec make -s -j2 O="$0"' DIR
}

traced_processes() {
	make_probes
	settle probes
	traced_against 'traced configure-like script, 280 processes, against untraced' 1.05 25 sh probes DIR
}

# seen MEASURE COMMAND...: of the paths that the kernel is asked for, those that the shim
# knows of. Both watch one run: in another, temporary files have other names.
seen() {
	local measure=$1 all missed verdict=ok
	shift
	command -v strace >/dev/null || cannot 'no strace'
	strace -f -ff -y -e trace=%file,%process,fchdir,getdents64 -o calls \
		"$build/bench/watch" -l log "$build/dpcache-shim.so" "$@"
	"$tests/shim/missed" calls log >missed
	all=$(head -n 1 missed)
	missed=$(($(wc -l <missed) - 1))
	[ "$missed" -eq 0 ] || verdict=MISSED
	row "$measure" '= 100 %' "$(calculate "100 * ($all - $missed) / $all" | cut -c 1-5) % of $all" "$verdict"
	sed '1d; s/^/not seen: /' missed >&2
}

seen_build() {
	make_program 16
	mkdir out
	seen 'files seen by the shim of those ptrace sees, build (`make -j2`)' make -s -j2 O=out
}

seen_processes() {
	make_probes
	seen 'the same, configure-like script' sh probes out
}

added() { # plain, traced: files of nanoseconds; prints the microseconds between their medians
	calculate "($(column "$2" 1 50) - $(column "$1" 1 50)) / 1000"
}

traced_opens() { # program, bar, words of the measure
	local i how
	for how in same distinct; do
		rm -f plain watched
		for i in {1..21}; do
			"$1" 20000 "$how" >>plain
			"$dpcache" run --refresh --trace -- "$1" 20000 "$how" >>watched
		done
		at_most "$3, $how path: added" "$2" ' us' "$(added plain watched)" \
			"$(column plain 1 50) ns against $(column watched 1 50) ns"
	done
}

traced_open() {
	traced_opens "$build/bench/opens" 0.3 'open of an absent path'
}

traced_static_open() {
	[ -x "$build/bench/opens-static" ] || cannot 'no static C library'
	traced_opens "$build/bench/opens-static" 8 'open of an absent path, static program'
}

traced_hit() {
	echo content >file
	settle file
	"$dpcache" run --trace -- sh -c 'echo run >>runs; cat file' >/dev/null
	settle cache
	"$dpcache" run --trace -- sh -c 'echo run >>runs; cat file' >/dev/null
	"$spawn" -n "$rounds" /bin/true --- "$dpcache" run --trace -- sh -c 'echo run >>runs; cat file' >took
	expect_lines runs 1
	compared 2 "hit of \`sh -c 'cat file'\`, traced, against \`/bin/true\`" 0.6
}

# What 500 stats cost is measured beside it.
traced_hit_500() {
	local i names=() base
	mkdir in
	for i in {001..500}; do
		echo "$i" >"in/$i"
		names+=("in/$i")
	done
	settle in
	"$dpcache" run --trace -- sh -c 'echo run >>runs; cat in/[0-9]*' >/dev/null
	settle cache
	"$dpcache" run --trace -- sh -c 'echo run >>runs; cat in/[0-9]*' >/dev/null
	"$spawn" -n "$rounds" /bin/true --- "$lstats" "${names[@]}" --- "$lstats" -n "${names[@]}" \
		--- "$dpcache" run --trace -- sh -c 'echo run >>runs; cat in/[0-9]*' >took
	expect_lines runs 1
	base=$(calculate "$(field 1 1) + 1.3 * ($(field 2 1) - $(field 3 1))")
	at_most "hit with 500 traced inputs, against \`/bin/true\` and 1.3 times 500 lstats" 1 '' \
		"$(calculate "$(field 4 1) / $base")" "$(ms "$(field 4 1)") against $(ms "$base")"
}
