"""read_foreign.py SNUG FOLDER: what the commands make of the files of foreign_files.py.

For each NAME.onnx in FOLDER: whether `inspect` and `verify` read it, with the layers that are quantized; the largest
deviation of `run` from NAME.output.npy over its largest magnitude; whether `evaluate` runs it; and for each format of
`export` the same deviation as onnxruntime or, for QONNX, qonnx computes it from the export. Prints a Markdown table.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import traceback
import warnings

import numpy as np
import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
warnings.filterwarnings("ignore")

from foreign_outputs import expected, input_name

FORMATS = ("qonnx", "qcdq", "integer")


class Failure(Exception):
    pass


def command(*arguments, allowed=(0,)):
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if result.returncode not in allowed:
        raise Failure((result.stderr.strip().splitlines() or ["no message"])[0])
    return result.stdout


def deviation(mine, theirs):
    if mine.shape != theirs.shape:
        raise Failure(f"shape {mine.shape} for {theirs.shape}")
    return np.abs(mine - theirs).max() / (np.abs(theirs).max() or 1)


def attempt(action, notes):
    try:
        return action()
    except Failure as error:
        notes.append(str(error))
    except Exception:
        notes.append(traceback.format_exc().strip().splitlines()[-1][:300])
    return "-"


def read(snug, path, folder):
    notes = []
    data, theirs = (np.load(path.with_suffix(s)) for s in (".input.npy", ".output.npy"))
    np.save(folder / "x.npy", data)

    def inspected():
        report = json.loads(command(snug, "inspect", path, "--json"))
        layers = report["layers"]
        for layer in layers:
            if not layer["quantized"]:
                notes.append(f"{layer['name']}: not quantized")
        bits = [layer["accumulator"]["required_bits"] for layer in layers if layer["quantized"]]
        return f"{len(bits)} of {len(layers)}" + (f", {min(bits)} to {max(bits)} bits" if bits else "")

    def verified():
        report = json.loads(command(snug, "verify", path, "--accumulator-bits", 32, "--json", allowed=(0, 1)))
        return "certified" if report["certified"] else "not certified"

    def executed():
        command(snug, "run", path, "--input", f"{input_name(path)}={folder / 'x.npy'}",
                "--output-dir", folder / "out")  # fmt: skip
        files = list((folder / "out").iterdir())
        name = onnx.load(path, load_external_data=False).graph.output[0].name
        file = next(f for f in files if f.stem == name.replace("/", "_").replace(":", "_"))
        return f"{deviation(np.load(file), theirs):.0e}"

    def evaluated():
        np.savez(folder / "samples.npz", x=data, y=theirs)
        report = json.loads(command(snug, "evaluate", path, "--data", folder / "samples.npz",
                                    "--task", "regression", "--json"))  # fmt: skip
        return f"{np.sqrt(report['value']) / (np.abs(theirs).max() or 1):.0e}"

    def exported(form):
        out = folder / f"{form}.onnx"
        command(snug, "export", path, "-o", out, "--format", form)
        own = {n.op_type for n in onnx.load(out).graph.node}
        if form == "qonnx" and "Quant" not in own and "BipolarQuant" not in own:
            raise Failure("qonnx: no Quant in the export")
        return f"{deviation(expected(out, data), theirs):.0e}"

    cells = [path.stem, attempt(inspected, notes), attempt(verified, notes), attempt(executed, notes),
             attempt(evaluated, notes)]  # fmt: skip
    cells += [attempt(lambda: exported(form), notes) for form in FORMATS]
    return cells, notes


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    heads = ["file", "quantized layers", "verify at 32 bits", "run", "evaluate", *FORMATS]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    for path in sorted(pathlib.Path(sys.argv[2]).glob("*.onnx")):
        if not path.with_suffix(".output.npy").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            cells, notes = read(sys.argv[1], path, pathlib.Path(folder))
        print("| " + " | ".join(cells) + " |", flush=True)
        for note in notes:
            print(f"{path.stem}: {note}", file=sys.stderr, flush=True)


main()
