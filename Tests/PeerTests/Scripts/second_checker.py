"""second_checker.py CERTIFY.py JOBS.json RESULTS.json: runs the second checker on many files in one process.

Each job has a path and bits (null: as the file states); each result the exit status, and the layers' names with the
widths that they need.
"""

import json
import runpy
import sys


def check(certify, job):
    """What the checker finds in one file: 2 where it can't use the file, as the program's exit status."""
    try:
        layers, findings, _ = certify(job["path"], job.get("bits"))
    except Exception:
        return {"status": 2, "required": {}}
    refused = findings or any(layer.reasons for layer in layers)
    widths = {layer.name: int(layer.required) if layer.required else None for layer in layers}
    return {"status": 1 if refused else 0, "required": widths}


def main():
    program, jobs, results = sys.argv[1:]
    certify = runpy.run_path(program, run_name="certify")["certify"]
    with open(jobs) as file:
        found = [check(certify, job) for job in json.load(file)]
    with open(results, "w") as file:
        json.dump(found, file)


main()
