# The measures of a store on a server, as several machines see it; sourced by bench. A
# machine is a network namespace with a cache directory of its own; one more has the
# server, and the switch that they all hang on.

net=dpb$$
subnet=10.83.47

# machines COUNT: $net-0 to $net-(COUNT - 1), and the server; $store is its URL. All end
# with the subshell of the measure.
machines() {
	local i
	command -v redis-server >/dev/null || cannot 'no redis-server'
	command -v nsenter >/dev/null || cannot 'no nsenter'
	ip netns add "$net-s" 2>/dev/null || cannot 'no network namespaces here'
	trap 'end_machines' EXIT
	ip -n "$net-s" link set lo up
	ip -n "$net-s" link add br0 type bridge
	ip -n "$net-s" link set br0 up
	ip -n "$net-s" addr add "$subnet.254/24" dev br0
	for ((i = 0; i < $1; i++)); do
		ip netns add "$net-$i"
		ip -n "$net-$i" link add eth0 type veth peer name "p$i" netns "$net-s"
		ip -n "$net-$i" addr add "$subnet.$((i + 1))/24" dev eth0
		ip -n "$net-$i" link set eth0 up
		ip -n "$net-s" link set "p$i" master br0
		ip -n "$net-s" link set "p$i" up
	done
	on s redis-server --bind "$subnet.254" --protected-mode no --save '' --dir "$PWD" >server.log &
	server=$!
	(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >key)
	export DPCACHE_KEY_FILE=$PWD/key
	store="redis://$subnet.254"
	until on s redis-cli -h "$subnet.254" ping >/dev/null 2>&1; do sleep 0.02; done
}

end_machines() {
	local name
	kill "${server:-}" 2>/dev/null && wait "$server" 2>/dev/null || true
	for name in $(ip netns list | awk -v net="$net-" 'index($1, net) == 1 { print $1 }'); do
		ip netns del "$name"
	done
}

# on MACHINE COMMAND...
on() {
	nsenter "--net=/run/netns/$net-$1" "${@:2}"
}

# The same in words, for spawn: %n is the machine.
machine=(nsenter "--net=/run/netns/$net-%n" env 'DPCACHE_DIR=cache-%n')

# machines_once SALT: 50 callers on each of 4; prints runs, then milliseconds from the
# leader's exit to the last.
machines_once() {
	mark sh -c 'sleep 2; echo done'
	rm -f runs out
	"$spawn" -c 200 -k 4 -o out "${machine[@]}" "$dpcache" run --store "$store" --salt "$1" -- "${mark[@]}" >took
	expect_lines out 200
	awk 'FILENAME == "runs" { if (++runs == 1) { above[$1]; above[$2] } next }
		$1 in above { found = $2 }
		END { if (!found) exit 1; printf "%d %.2f\n", runs, $2 - found }' runs took
}

machines_herd() {
	local i runs verdict=ok
	machines 4
	for i in 1 2 3 4 5; do
		machines_once "$i" >>herds
	done
	runs=$(sort -n herds | awk 'END { print $1 }')
	[ "$runs" -eq 1 ] || verdict=MISSED
	row 'runs of a 2 s command by 50 cold callers on each of 4 machines, Redis' '= 1' "$runs" "$verdict"
	at_most 'last of them, behind the leader' 30 ' ms' "$(sort -n -k 2 herds | awk 'NR == 3 { print $2 }')" \
		"worst of 5: $(sort -n -k 2 herds | awk 'END { print $2 }')"
}

# cut_once SALT: the leader's machine loses its link; prints milliseconds from that to the
# start of the next run, and what the first one stored when it came back: nothing is 0.
cut_once() {
	local leader other cut before after
	mark sh -c '[ -e cut ] || read -r go <hold; echo done'
	rm -f runs cut
	on 0 env DPCACHE_DIR=cache-0 "$dpcache" run --store "$store&lease=1s" --salt "$1" -- "${mark[@]}" >first 2>&1 &
	leader=$!
	until [ -s runs ]; do sleep 0.01; done
	on 1 env DPCACHE_DIR=cache-1 "$dpcache" run --store "$store&lease=1s" --salt "$1" -- "${mark[@]}" >second 2>&1 &
	other=$!
	until on s redis-cli -h "$subnet.254" pubsub channels | grep -q .; do sleep 0.01; done
	touch cut
	ip -n "$net-s" link set p0 down
	cut=$EPOCHREALTIME
	wait "$other"
	before=$(stored_bytes)
	ip -n "$net-s" link set p0 up
	echo go >&"$hold"
	wait "$leader"
	after=$(stored_bytes)
	awk -v cut="$cut" -v same="$([ "$before" = "$after" ] && echo 0 || echo 1)" \
		'NR == 2 { printf "%.2f %d\n", $3 - cut * 1000, same }' runs
}

# A digest of all values there are.
stored_bytes() {
	on s redis-cli -h "$subnet.254" --raw keys '*:v' | sort | while read -r key; do
		on s redis-cli -h "$subnet.254" get "$key"
	done | cksum
}

machines_cut() {
	local i late verdict=ok
	machines 2
	store+='?ns=cut'
	make_hold
	for i in 1 2 3; do
		cut_once "$i" >>cuts
	done
	at_most "another machine's start, behind the loss of the leader's link, lease of 1 s" 1100 ' ms' \
		"$(sort -n cuts | awk 'NR == 2 { print $1 }')" "worst of 3: $(sort -n cuts | awk 'END { print $1 }')"
	late=$(awk '{ n += $2 } END { print n }' cuts)
	[ "$late" -eq 0 ] || verdict=MISSED
	row 'what the one that was cut off stores later' '= 0' "$late" "$verdict"
}
