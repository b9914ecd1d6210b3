"""check_export.py JOBS.json: checks exported files; prints one JSON object a job."""

import json
import os
import sys
import traceback
import warnings

import numpy as np
import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
warnings.filterwarnings("ignore")

import export_execution
import export_format


def check(job):
    model, original = onnx.load(job["exported"]), onnx.load(job["original"])
    found = []
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        found.append(f"onnx.checker: {error}")
    found += export_format.violations(model, original, job)
    constants = {i.name for i in model.graph.initializer}
    names = [i.name for i in model.graph.input if i.name not in constants]
    feed = {n: np.load(path) for n, path in zip(names, job["inputs"])}
    values, more = export_execution.execute(model, feed, job["folder"])
    return {"violations": found + more} | values


def main():
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    results = []
    for job in jobs:
        try:
            results.append(check(job))
        except Exception:
            results.append({"violations": [traceback.format_exc()],
                            "names": [], "quantizers": [], "outputs": []})  # fmt: skip
    with open(sys.argv[2], "w") as file:
        json.dump(results, file)


main()
