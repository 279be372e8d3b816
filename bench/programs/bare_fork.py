"""Prints how long `fork()` and the exit of the child take in the warmed interpreter, milliseconds: the median of many."""

import gc
import os
import statistics
import sys
import time

sys.path.insert(0, sys.argv[1])
from afterword_cage.warm import warm_up  # noqa: E402

warm_up()
gc.collect()
gc.freeze()
times = []
for _ in range(200):
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    times.append((time.perf_counter() - start) * 1000)
print(statistics.median(times))
