"""Architectures of torchvision, exported with random weights, through Snug, onnxruntime and qonnx.

Exports each network by PyTorch's legacy and dynamo exporters at several opsets. `snug run` is compared with
onnxruntime, `snug convert` quantizes to W8A8 at P = 24, `snug verify` certifies, and qonnx runs the result.
A JSON line a case goes to OUTPUT/results.jsonl; cases that stand there are not run again unless they failed.
Prints the results as a Markdown table, and ends with an error where a case fails; what the exporter itself refuses is
listed apart.

usage: model_suite.py SNUG OUTPUT [--models NAME ...] [--exporters legacy dynamo] [--opsets 11 13 17 20]
                                  [--table] [--keep] [--conversion="OPTION ..."]
"""

import argparse
import functools
import json
import pathlib
import subprocess
import sys
import time
import traceback
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

warnings.filterwarnings("ignore")

TOLERANCE = 1e-4  # of the output's largest magnitude


# torchvision's wheel on PyPI is built for CUDA: beside a PyTorch for CPUs alone, which can't load it, operators that
# no network here uses lack the schemas that the import of torchvision asks for.
SCHEMAS = torch.library.Library("torchvision", "FRAGMENT")
if torch.version.cuda is None:
    for operator in ["nms", "qnms"]:
        SCHEMAS.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchvision import models  # noqa: E402


class UNet(nn.Module):
    """Three levels; up by transposed convolution, with the encoder's features beside."""

    def __init__(self, width=16):
        super().__init__()
        def block(inputs, outputs):
            layers = []
            for channels in [inputs, outputs]:
                layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                           nn.BatchNorm2d(outputs), nn.ReLU()]
            return nn.Sequential(*layers)
        widths = [width << level for level in range(4)]
        self.down = nn.ModuleList(block(a, b) for a, b in zip([3] + widths, widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in reversed(widths[:-1]))
        self.join = nn.ModuleList(block(2 * w, w) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, 5, 1)

    def forward(self, x):
        features = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.max_pool2d(x, 2))
            features.append(x)
        for up, join, beside in zip(self.up, self.join, reversed(features[:-1])):
            x = join(torch.cat([beside, up(x)], 1))
        return self.head(x)


class Segmentation(nn.Module):
    """The main output of a network that gives several by name."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)["out"]


# Name: how it is made, and the side of its square input.
NETWORKS = {
    "resnet18": (lambda m: m.resnet18(), 64),
    "resnet50": (lambda m: m.resnet50(), 64),
    "mobilenet_v2": (lambda m: m.mobilenet_v2(), 64),
    "mobilenet_v3_small": (lambda m: m.mobilenet_v3_small(), 64),
    "mobilenet_v3_large": (lambda m: m.mobilenet_v3_large(), 64),
    "efficientnet_b0": (lambda m: m.efficientnet_b0(), 64),
    "densenet121": (lambda m: m.densenet121(), 64),
    "shufflenet_v2_x1_0": (lambda m: m.shufflenet_v2_x1_0(), 64),
    "squeezenet1_1": (lambda m: m.squeezenet1_1(), 64),
    "googlenet": (lambda m: m.googlenet(aux_logits=False, init_weights=False), 64),
    "regnet_y_400mf": (lambda m: m.regnet_y_400mf(), 64),
    "convnext_tiny": (lambda m: m.convnext_tiny(), 64),
    "vit_b_16": (lambda m: m.vit_b_16(image_size=64), 64),
    "swin_t": (lambda m: m.swin_t(), 64),
    "deeplabv3_resnet50": (
        lambda m: Segmentation(m.segmentation.deeplabv3_resnet50(
            weights=None, weights_backbone=None, num_classes=5, aux_loss=False)), 65),
    "fcn_resnet50": (
        lambda m: Segmentation(m.segmentation.fcn_resnet50(
            weights=None, weights_backbone=None, num_classes=5, aux_loss=False)), 65),
    "unet": (lambda m: UNet(), 64),
}


@functools.lru_cache(maxsize=1)
def build(name):
    """The network for inference, with random weights and running statistics of random batches."""
    torch.manual_seed(0)
    make, side = NETWORKS[name]
    network = make(models)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # All different, since the exporter would make one initializer of equal ones.
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, std=0.1)
            module.momentum = None
        elif hasattr(module, "layer_scale"):
            nn.init.uniform_(module.layer_scale, 0.1, 0.3)
        elif isinstance(module, nn.Linear) and module.weight.abs().max() == 0:
            nn.init.normal_(module.weight, std=module.in_features ** -0.5)
    for module in network.modules():
        # Residual branches start small, as in training: at full size, fifty layers of random weights make differences
        # in the last bit of float32 as large as the tolerance.
        last = getattr(module, "bn3", None) or (hasattr(module, "conv2") and getattr(module, "bn2", None))
        if last:
            nn.init.uniform_(last.weight, 0.2, 0.3)
    network.train()
    with torch.no_grad():
        for seed in range(3):
            network(samples(side, 8, seed))
    return network.eval()


def samples(side, count, seed):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def export(network, side, path, exporter, opset):
    options = {"optimize": True} if exporter == "dynamo" else {}
    torch.onnx.export(
        network, (samples(side, 1, 7),), str(path), input_names=["input"], output_names=["output"],
        opset_version=opset, dynamo=exporter == "dynamo", external_data=False, verbose=False, **options)


def snug(command, *arguments, statuses=(0,)):
    """Runs a command and returns what it printed; its message becomes the failure."""
    done = subprocess.run(
        [command, *map(str, arguments)], capture_output=True, text=True, timeout=900)
    if done.returncode not in statuses:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise RuntimeError(f"snug {arguments[0]}: {last}")
    return done


def difference(actual, expected):
    """The largest difference, in units of the largest magnitude."""
    if actual.shape != expected.shape:
        raise RuntimeError(f"shape {actual.shape} instead of {expected.shape}")
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def run_with_snug(command, model, x, folder):
    session_input, session_output = names(model)
    np.save(folder / "x.npy", x)
    snug(command, "run", model, "--input", f"{session_input}={folder / 'x.npy'}",
         "--output-dir", folder, "--quiet")
    return np.load(folder / (session_output.replace("/", "_").replace(":", "_") + ".npy"))


def names(model):
    graph = onnx.load(model, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    return inputs[0], graph.output[0].name


def run_with_qonnx(model, x):
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes
    wrapper = ModelWrapper(str(model)).transform(InferShapes())
    name_in, name_out = names(model)
    return execute_onnx(wrapper, {name_in: x})[name_out]


def case(command, folder, name, exporter, opset, keep, conversion):
    """Everything that is measured of one file; `error` is there where a step fails."""
    result = {"model": name, "exporter": exporter, "opset": opset}
    model, quantized = folder / f"{name}-{exporter}-{opset}.onnx", folder / "quantized.onnx"
    side = NETWORKS[name][1]
    x = samples(side, 1, 11).numpy()
    try:
        result["step"] = "export"
        if not model.exists():
            export(build(name), side, model, exporter, opset)
        written = {i.domain: i.version for i in onnx.load(model).opset_import}
        result["written_opset"] = written.get("", 0)
        result["step"] = "run"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(model), options)
        expected = session.run(None, {session.get_inputs()[0].name: x})[0]
        result["run"] = difference(run_with_snug(command, model, x, folder), expected)
        if not result["run"] <= TOLERANCE:
            raise RuntimeError(f"differs from onnxruntime by {result['run']:.1e}")
        result["step"] = "convert"
        np.save(folder / "calibration.npy", samples(side, 8, 13).numpy())
        start = time.perf_counter()
        snug(command, "convert", model, "-o", quantized, "--data", folder / "calibration.npy",
             "--weight-bits", 8, "--activation-bits", 8, "--accumulator-bits", 24, "--quiet",
             *conversion)
        result["seconds"] = time.perf_counter() - start
        result["step"] = "verify"
        verified = snug(command, "verify", quantized, "--json", statuses=(0, 1))
        layers = json.loads(verified.stdout)["layers"]
        result["layers"] = len(layers)
        if verified.returncode != 0:
            raise RuntimeError("snug verify: " + ", ".join(
                layer["name"] for layer in layers if not layer["certified"])[:200])
        result["step"] = "qonnx"
        ours = run_with_snug(command, quantized, x, folder)
        result["quantization"] = difference(ours, expected)
        result["qonnx"] = difference(run_with_qonnx(quantized, x), ours)
        del result["step"]
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:400]
        if not isinstance(error, RuntimeError):
            traceback.print_exc()
    if not keep and "error" not in result:
        model.unlink(missing_ok=True)
    return result


def table(results):
    """A row a network and exporter, with the worst of its opsets."""
    lines = ["| network | exporter | opsets | `run` against onnxruntime | certified | layers | W8A8 against float "
             "| qonnx against `run` |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    rows = {}
    refused = [r for r in results.values() if r.get("step") == "export"]
    for r in results.values():
        if r in refused:
            continue
        rows.setdefault((r["model"], r["exporter"]), []).append(r)

    def worst(group, key):
        found = [r[key] for r in group if key in r]
        return f"{max(found):.1e}" if found else "-"

    def opset(r):
        written = r.get("written_opset", r["opset"])
        return str(r["opset"]) + ("" if written == r["opset"] else f" (as {written})")

    order = list(NETWORKS)
    for (model, exporter), group in sorted(rows.items(), key=lambda x: (order.index(x[0][0]), x[0][1] != "legacy")):
        group.sort(key=lambda r: r["opset"])
        good = [r for r in group if "error" not in r]
        layers = "-".join(map(str, sorted({r["layers"] for r in good})))
        lines.append(
            f"| {model} | {exporter} | {', '.join(map(opset, group))} | {worst(group, 'run')} "
            f"| {len(good)} of {len(group)} | {layers or '-'} | {worst(good, 'quantization')} "
            f"| {worst(good, 'qonnx')} |")
    for r in results.values():
        if "error" in r:
            lines.append(f"\n{r['model']}, {r['exporter']}, opset {r['opset']}, {r['step']}: {r['error']}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("snug")
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--models", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--exporters", nargs="*", default=["legacy", "dynamo"], choices=["legacy", "dynamo"])
    parser.add_argument("--opsets", nargs="*", type=int, default=[11, 13, 17, 20])
    parser.add_argument("--table", action="store_true", help="print the results that are there")
    parser.add_argument("--keep", action="store_true", help="keep the exported models")
    parser.add_argument("--conversion", default="", help="more options for snug convert")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "results.jsonl"
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            result = json.loads(line)
            results[result["model"], result["exporter"], result["opset"]] = result
    for name in options.models if not options.table else []:
        for exporter in options.exporters:
            for opset in options.opsets:
                key = (name, exporter, opset)
                if key in results and "error" not in results[key]:
                    continue
                result = case(options.snug, options.output, *key, options.keep, options.conversion.split())
                results[key] = result
                with open(path, "a") as file:
                    file.write(json.dumps(result) + "\n")
                print(json.dumps(result), file=sys.stderr, flush=True)
    print(table(results))
    return 1 if any("error" in r and r["step"] != "export" for r in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
