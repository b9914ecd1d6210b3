"""Times onnxruntime on what InferenceBenchmarks runs: inference.py BATCH MODEL..."""

import pathlib
import statistics
import sys
import time

import numpy as np
import onnxruntime

batch = int(sys.argv[1])
print(f"{'benchmark':32} {'median ms':>10} {'best ms':>10}")
for path in sys.argv[2:]:
    session = onnxruntime.InferenceSession(path)
    rng = np.random.default_rng(0)
    feed = {}
    for value in session.get_inputs():
        shape = [d if isinstance(d, int) else (batch if axis == 0 else 48)
                 for axis, d in enumerate(value.shape)]
        feed[value.name] = rng.uniform(-1, 1, shape).astype(np.float32)
    times = []
    for run in range(16):
        start = time.perf_counter()
        session.run(None, feed)
        times.append((time.perf_counter() - start) * 1e3)
    times = times[1:]
    print(f"{pathlib.Path(path).name:32} {statistics.median(times):10.1f} {min(times):10.1f}")
