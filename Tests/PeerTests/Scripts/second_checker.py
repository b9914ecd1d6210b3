"""second_checker.py CERTIFY.py JOBS.json RESULTS.json: runs the second checker on many files in one process.

Each job has a path and bits (null: as the file states); each result the exit status, and the layers' names with the
widths that they need.
"""

import contextlib
import io
import json
import runpy
import sys


def run(program, arguments):
    """What the program prints, and the status that it ends with."""
    sys.argv = ["certify.py", *arguments]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = program["main"]()
    return status, output.getvalue()


def main():
    certify, jobs, results = sys.argv[1:]
    program = runpy.run_path(certify, run_name="certify")
    found = []
    with open(jobs) as file:
        for job in json.load(file):
            bits = [] if job.get("bits") is None else ["--accumulator-bits", str(job["bits"])]
            status, text = run(program, [job["path"], "--json", *bits])
            layers = json.loads(text)["layers"] if status < 2 else []
            widths = {layer["name"]: layer["required_bits"] for layer in layers}
            found.append({"status": status, "required": widths})
    with open(results, "w") as file:
        json.dump(found, file)


main()
