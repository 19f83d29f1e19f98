"""diskcache as a contestant of stores.c: reads `get|put CALLS ENTRIES SIZE`, one in a
line, and prints the nanoseconds that the calls took."""
import sys
import tempfile
import time

from diskcache import Cache

with tempfile.TemporaryDirectory() as directory, Cache(directory) as cache:
    asked = 0
    for line in sys.stdin:
        what, calls, entries, size = line.split()
        entries, size = int(entries), int(size)
        if not asked:
            for i in range(entries):
                cache.set(f"key-{i}", bytes(size))
        keys = [f"key-{(asked + i) * 7919 % entries}" for i in range(int(calls))]
        asked += len(keys)
        value = bytes(size)
        start = time.perf_counter_ns()
        if what == "put":
            for key in keys:
                cache.set(key, value)
        else:
            for key in keys:
                if len(cache[key]) != size:
                    sys.exit(1)
        print(time.perf_counter_ns() - start, flush=True)
