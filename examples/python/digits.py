"""Converts the digit classifier of this repository, proves the result, and runs it: numpy is all that it needs.

usage: python3 digits.py FIXTURES     FIXTURES is the folder fixtures/digits
"""
import sys
from pathlib import Path

import numpy as np
import snug_onnx

folder = Path(sys.argv[1])
calibration = np.load(folder / "calibration.npz")["x"]
test = np.load(folder / "test.npz")

result = snug_onnx.convert(
    folder / "model.onnx", data=calibration, validation=(test["x"], test["y"]), accumulator_bits=12)
verdict = snug_onnx.verify(result)
print(f"float {result.metric_float.value:.1f} %, quantized {result.metric_quantized.value:.1f} %, "
      f"{'certified' if verdict else 'not certified'}")

logits = snug_onnx.run(result, test["x"].astype(np.float32))["logits"]
print(f"run: {100 * np.mean(logits.argmax(1) == test['y']):.1f} % of {len(logits)} digits")
sys.exit(0 if verdict and result.metric_quantized.value > 95 else 1)
