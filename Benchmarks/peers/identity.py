"""identity.py SNUG FOLDER [MODEL...]: whether every executor computes the same integers.

FOLDER holds float models NAME.onnx and their samples NAME.npz (`calibration`, `x`, `y`; see samples.py). Each model is
converted at W4A4, P = 14, and exported as `qcdq` and `integer`. The codes of every weight are compared, and those of
every activation on all samples, among `snug run` and qonnx on the QONNX file and onnxruntime on the two exports; qonnx
is what the others are compared with. Prints a Markdown table; exits with 1 where integers differ without a reason.

A difference is explained where it is the first of its sample in the order of the graph and the value before the
quantizer lies within 1e-4 steps of a tie, and where it follows such a one in the same sample. Needs onnx, onnxruntime
and qonnx.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "Tests/PeerTests/Scripts"
sys.path.insert(0, str(SCRIPTS))
warnings.filterwarnings("ignore")

from check_deployment import code_values, constants, weight_differences
from export_execution import clear_inferred, with_shapes

TIE, BATCH = 1e-4, 20
EXPORTS = ("qcdq", "integer")


class Executor:
    """One file and a way to run it: the codes of the quantizers by name, and the first output."""

    def codes(self, values):
        return {n: np.rint(values[v].astype(np.float64) / s) for n, (v, s) in self.places.items()}


class Qonnx(Executor):
    def __init__(self, model, feed, quantizers):
        self.model, self.output = model, model.graph.output[0].name
        self.wrapped = clear_inferred(ModelWrapper(with_shapes(model, feed)))
        self.places = {n: (out, scale) for n, _, out, scale in quantizers}
        self.quantizers = quantizers

    def run(self, feed):
        values = execute_onnx(self.wrapped, feed, return_full_exec_context=True)
        self.units = {n: values[i].astype(np.float64) / s for n, i, _, s in self.quantizers}
        return self.codes(values), values[self.output]


class OnnxRuntime(Executor):
    def __init__(self, model, quantizers):
        self.output = model.graph.output[0].name
        self.places = code_values(model, [(n, out, s, None, None) for n, _, out, s in quantizers])
        missing = [n for n, place in self.places.items() if place is None]
        if missing:
            sys.exit(f"no value holds the codes of {missing[0]}")
        extended = onnx.ModelProto()
        extended.CopyFrom(model)
        present = {v.name for v in model.graph.output}
        extended.graph.output.extend(
            onnx.ValueInfoProto(name=v) for v, _ in self.places.values() if v not in present)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        # Fusions of quantized operators would leave no codes to read.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(extended.SerializeToString(), options)

    def run(self, feed):
        names = [v.name for v in self.session.get_outputs()]
        values = dict(zip(names, self.session.run(None, feed)))
        return self.codes(values), values[self.output]


class Snug(Executor):
    def __init__(self, snug, model, quantizers, folder):
        self.snug, self.folder, self.output = snug, folder, model.graph.output[0].name
        self.places = {n: (out, scale) for n, _, out, scale in quantizers}
        extended = onnx.ModelProto()
        extended.CopyFrom(model)
        present = {v.name for v in model.graph.output}
        extended.graph.output.extend(
            onnx.helper.make_tensor_value_info(v, onnx.TensorProto.FLOAT, None)
            for v, _ in self.places.values() if v not in present)  # fmt: skip
        self.path = folder / "instrumented.onnx"
        onnx.save(extended, self.path)

    def run(self, feed):
        (name, data), = feed.items()
        np.save(self.folder / "input.npy", data)
        command = [self.snug, "run", self.path, "--input", f"{name}={self.folder / 'input.npy'}",
                   "--output-dir", self.folder, "--threads", "1", "--quiet"]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        names = {v for v, _ in self.places.values()} | {self.output}
        values = {n: np.load(self.folder / (n.replace("/", "_").replace(":", "_") + ".npy"))
                  for n in names}  # fmt: skip
        return self.codes(values), values[self.output]


class Tally:
    """Differences of one executor from the reference."""

    def __init__(self):
        self.different = self.samples = self.unexplained = 0
        self.furthest = 0.0

    def add(self, mine, reference, units):
        count = next(iter(reference.values())).shape[0]
        touched = np.zeros(count, bool)
        for name, codes in reference.items():
            wrong = mine[name] != codes
            self.different += int(wrong.sum())
            samples = wrong.reshape(count, -1).any(axis=1)
            first = samples & ~touched
            if first.any():
                value = units[name][first][wrong[first]]
                distance = np.abs(value - np.floor(value) - 0.5)
                self.furthest = max(self.furthest, float(distance.max()))
                self.unexplained += int((distance > TIE).sum())
            touched |= samples
        self.samples += int(touched.sum())

    def __str__(self):
        if self.different == 0:
            return "0"
        return f"{self.different} in {self.samples} samples, {self.unexplained} not at a tie"


def metric(outputs, y):
    """Top-1 in percent, or the mean PSNR in dB."""
    if y.ndim == 1:
        predicted = outputs.reshape(len(y), -1).argmax(axis=1)
        return f"{100 * np.mean(predicted == y):.2f} %"
    error = np.mean((np.clip(outputs, 0, 1).astype(np.float64) - y) ** 2, axis=(1, 2, 3))
    return f"{np.mean(-10 * np.log10(error)):.3f} dB"


def compare(snug, path, samples, folder):
    data = np.load(samples)
    np.save(folder / "calibration.npy", data["calibration"])
    quantized = folder / "qonnx.onnx"
    subprocess.run([snug, "convert", path, "-o", quantized, "--data", folder / "calibration.npy",
                    "--weight-bits", "4", "--activation-bits", "4", "--accumulator-bits", "14",
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    exports = {}
    for form in EXPORTS:
        exports[form] = folder / f"{form}.onnx"
        subprocess.run([snug, "export", quantized, "-o", exports[form], "--format", form, "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip

    model = onnx.load(quantized)
    known = constants(model)
    quantizers, weights = [], {}
    for node in model.graph.node:
        if node.op_type != "Quant":
            continue
        scale = known[node.input[1]]
        if node.input[0] in known:
            weights[node.output[0]] = np.rint(known[node.input[0]] / scale)
        else:
            quantizers.append((node.name, node.input[0], node.output[0], float(scale)))
    value = next(i for i in model.graph.input if i.name not in known)
    is_fixed = value.type.tensor_type.shape.dim[0].dim_value == 1
    x, y = data["x"], data["y"]
    batch = 1 if is_fixed or y.ndim > 1 else BATCH

    reference = Qonnx(model, {value.name: x[:batch]}, quantizers)
    others = {"snug run": Snug(snug, model, quantizers, folder)}
    wrong_weights, problems = {}, {"violations": []}
    for form, file in exports.items():
        exported = onnx.load(file)
        others[f"onnxruntime, {form}"] = OnnxRuntime(exported, quantizers)
        wrong_weights[form] = weight_differences(exported, model, weights, problems)
    if problems["violations"]:
        sys.exit(problems["violations"][0])
    layers = [n for n in onnx.load(exports["integer"]).graph.node
              if n.op_type in ("ConvInteger", "MatMulInteger")]  # fmt: skip
    tallies = {name: Tally() for name in others}
    outputs = {name: [] for name in ["qonnx", *others]}
    codes = 0
    for start in range(0, len(x), batch):
        feed = {value.name: x[start:start + batch]}
        expected, output = reference.run(feed)
        outputs["qonnx"].append(output)
        codes += sum(c.size for c in expected.values())
        for name, executor in others.items():
            mine, output = executor.run(feed)
            outputs[name].append(output)
            tallies[name].add(mine, expected, reference.units)
    metrics = {name: metric(np.concatenate(values), y) for name, values in outputs.items()}
    return {"model": path.stem, "samples": len(x), "layers": f"{len(layers)} of {len(weights)}",
            "weights": sum(w.size for w in weights.values()), "wrong": wrong_weights,
            "codes": codes, "tallies": tallies, "metrics": metrics}  # fmt: skip


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    snug, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    names = sys.argv[3:] or sorted(p.stem for p in folder.glob("*.onnx"))
    others = ["snug run"] + [f"onnxruntime, {form}" for form in EXPORTS]
    heads = ["model", "samples", "layers on integers", "weights (differing)", "activation codes",
             *others, "metric: qonnx", *others]  # fmt: skip
    print("| " + " | ".join(heads) + " |")
    print("|" + " --- |" * len(heads), flush=True)
    failed = False
    for name in names:
        with tempfile.TemporaryDirectory() as temporary:
            row = compare(snug, folder / f"{name}.onnx", folder / f"{name}.npz",
                          pathlib.Path(temporary))  # fmt: skip
        wrong = sum(row["wrong"].values())
        cells = [row["model"], row["samples"], row["layers"], f"{row['weights']} ({wrong})",
                 row["codes"], *(row["tallies"][o] for o in others),
                 row["metrics"]["qonnx"], *(row["metrics"][o] for o in others)]  # fmt: skip
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        failed |= wrong > 0 or any(t.unexplained for t in row["tallies"].values())
        for other, tally in row["tallies"].items():
            if tally.different:
                print(f"{name}, {other}: furthest from a tie {tally.furthest:.1e} steps",
                      file=sys.stderr)  # fmt: skip
    sys.exit(1 if failed else 0)


main()
