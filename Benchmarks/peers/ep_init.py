"""Times EP-init of Brevitas on the convolutions of ResNet-50, the peer of WeightBenchmarks.

    pip install torch brevitas
    python Benchmarks/peers/ep_init.py

Only the projection is timed (`l1_proj_matrix_per_channel`), not the statistics before it.
"""

import math
import statistics
import time

import torch
from brevitas_examples.imagenet_classification.a2q.ep_init import l1_proj_matrix_per_channel

SETTINGS = [(8, 8, 20), (4, 4, 14), (4, 4, 12)]
RUNS = 3


def layers():
    result, inputs = [(64, 3 * 49)], 64
    for width, blocks in [(64, 3), (128, 4), (256, 6), (512, 3)]:
        for block in range(blocks):
            result += [(width, inputs), (width, width * 9), (width * 4, width)]
            if block == 0:
                result.append((width * 4, inputs))
            inputs = width * 4
    return result


def main():
    torch.manual_seed(1)
    weights = [torch.randn(c, k) * math.sqrt(2 / k) for c, k in layers()]
    print(f"ResNet-50: {sum(c for c, _ in layers())} channels, "
          f"{sum(w.numel() for w in weights)} weights, torch {torch.__version__}")
    for bits, inputs, accumulator in SETTINGS:
        bounds = {
            "a2q": (2 ** (accumulator - 1) - 1) / 2 ** inputs,
            "a2q+": (2 ** accumulator - 2) / (2 ** inputs - 1)}
        for method, bound in bounds.items():
            radii = [w.abs().amax(1) / (2 ** (bits - 1) - 1) * bound for w in weights]
            seconds = []
            for _ in range(RUNS):
                copies = [w.clone() for w in weights]
                start = time.perf_counter()
                for weight, radius in zip(copies, radii):
                    l1_proj_matrix_per_channel(weight, radius)
                seconds.append(time.perf_counter() - start)
            print(f"{method} W{bits}A{inputs} P{accumulator} initialize: "
                  f"median {statistics.median(seconds) * 1e3:.0f} ms, best {min(seconds) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
