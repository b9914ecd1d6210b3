"""foreign_files.py FOLDER [QONNX_FILE...]: small quantized files as other tools write them.

Brevitas (QONNX and QCDQ by both of PyTorch's exporters) and onnxruntime's quantizer (QDQ, QOperator, dynamic). Each
NAME.onnx gets NAME.input.npy, and NAME.output.npy as onnxruntime or, for QONNX, qonnx computes it. Files that are
given besides are taken over with random inputs. Needs torch, brevitas, onnx, onnxruntime and qonnx.
"""

import pathlib
import shutil
import sys
import traceback
import warnings

import numpy as np
import onnx
import torch
from brevitas import nn as qnn
from brevitas import quant
from brevitas.export import export_onnx_qcdq, export_qonnx
from onnxruntime import quantization as ort
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from foreign_outputs import expected, graph_input

warnings.filterwarnings("ignore")
SHAPE = (1, 3, 8, 8)


def image(seed):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


class Plain(nn.Module):
    """Convolutions with normalisation, a shortcut, pooling and a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.pool, self.head = nn.AvgPool2d(4), nn.Linear(32, 5)

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(self.depthwise(x) + x)
        return self.head(torch.flatten(self.pool(x), 1))


def brevitas_net(weight, activation, signed, bits=4, bias=None):
    """The same shape of net with Brevitas' quantizers."""
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=signed, bit_width=8, return_quant_tensor=True),
        qnn.QuantConv2d(3, 6, 3, padding=1, bias=bias is not None, weight_quant=weight,
                        weight_bit_width=bits, bias_quant=bias),
        qnn.QuantReLU(act_quant=activation, bit_width=bits, return_quant_tensor=True),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(6, 4, 3, stride=2, bias=True, weight_quant=weight, weight_bit_width=bits),
        qnn.QuantReLU(act_quant=activation, bit_width=bits, return_quant_tensor=True),
        nn.Flatten(), qnn.QuantLinear(4, 5, bias=True, weight_quant=weight, weight_bit_width=bits))  # fmt: skip


def brevitas_mlp(weight, activation, signed, **bits):
    return nn.Sequential(
        nn.Flatten(), qnn.QuantIdentity(act_quant=signed, return_quant_tensor=True, **bits),
        qnn.QuantLinear(192, 16, bias=True, weight_quant=weight),
        qnn.QuantIdentity(act_quant=activation, return_quant_tensor=True, **bits),
        qnn.QuantLinear(16, 5, bias=True, weight_quant=weight))  # fmt: skip


SYMMETRIC = (quant.Int8WeightPerChannelFloat, quant.Uint8ActPerTensorFloat, quant.Int8ActPerTensorFloat)
SHIFTED = (quant.ShiftedUint8WeightPerChannelFloat, quant.ShiftedUint8ActPerTensorFloat,
           quant.ShiftedUint8ActPerTensorFloat)  # fmt: skip


def prepared(make):
    """A net with activation ranges taken from random images."""
    torch.manual_seed(1)
    net = make()
    net.train()
    for seed in range(20):
        net(image(seed))
    return net.eval()


def brevitas_files(folder):
    def save(name, make, export, **options):
        net = prepared(make)
        with torch.no_grad():
            export(net, args=image(99), export_path=str(folder / f"{name}.onnx"), **options)

    def symmetric():
        return brevitas_net(*SYMMETRIC)

    yield "brevitas-qonnx", lambda n: save(n, symmetric, export_qonnx, dynamo=False)
    yield "brevitas-qonnx-dynamo", lambda n: save(n, symmetric, export_qonnx, dynamo=True)
    yield "brevitas-qonnx-bias", lambda n: save(
        n, lambda: brevitas_net(*SYMMETRIC, bits=8, bias=quant.Int32Bias), export_qonnx, dynamo=False)
    yield "brevitas-qonnx-per-tensor", lambda n: save(
        n, lambda: brevitas_net(quant.Int8WeightPerTensorFloat, *SYMMETRIC[1:], bits=3),
        export_qonnx, dynamo=False)
    yield "brevitas-qonnx-zero-point", lambda n: save(
        n, lambda: brevitas_net(*SHIFTED), export_qonnx, dynamo=False)
    yield "brevitas-qonnx-fixed-point", lambda n: save(
        n, lambda: brevitas_net(quant.Int8WeightPerTensorFixedPoint, quant.Uint8ActPerTensorFixedPoint,
                                quant.Int8ActPerTensorFixedPoint), export_qonnx, dynamo=False)  # fmt: skip
    yield "brevitas-qonnx-binary", lambda n: save(
        n, lambda: brevitas_mlp(quant.SignedBinaryWeightPerTensorConst, quant.SignedBinaryActPerTensorConst,
                                quant.SignedBinaryActPerTensorConst), export_qonnx, dynamo=False)  # fmt: skip
    yield "brevitas-qonnx-ternary", lambda n: save(
        n, lambda: brevitas_mlp(quant.SignedTernaryWeightPerTensorConst, quant.SignedTernaryActPerTensorConst,
                                quant.SignedTernaryActPerTensorConst), export_qonnx, dynamo=False)  # fmt: skip
    yield "brevitas-qonnx-a2q", lambda n: save(
        n, lambda: brevitas_net(quant.Int8AccumulatorAwareZeroCenterWeightQuant, *SYMMETRIC[1:]),
        export_qonnx, dynamo=False)
    yield "brevitas-qcdq", lambda n: save(n, symmetric, export_onnx_qcdq, dynamo=False)
    yield "brevitas-qcdq-dynamo", lambda n: save(n, symmetric, export_onnx_qcdq, dynamo=True)
    yield "brevitas-qcdq-zero-point", lambda n: save(
        n, lambda: brevitas_net(*SHIFTED, bits=8), export_onnx_qcdq, dynamo=False)

    def external(name):
        save(name, symmetric, export_qonnx, dynamo=False)
        model = onnx.load(folder / f"{name}.onnx")
        onnx.save(model, folder / f"{name}.onnx", save_as_external_data=True, size_threshold=64,
                  location=f"{name}.data")  # fmt: skip

    yield "brevitas-qonnx-external", external


class Images(ort.CalibrationDataReader):
    def __init__(self, name):
        self.feeds = iter([{name: image(seed).numpy()} for seed in range(8)])

    def get_next(self):
        return next(self.feeds, None)


def onnxruntime_files(folder, temporary):
    torch.manual_seed(1)
    net = Plain()
    nn.init.normal_(net.stem[1].running_mean, std=0.2)
    nn.init.uniform_(net.stem[1].running_var, 0.5, 1.5)
    plain = temporary / "plain.onnx"
    torch.onnx.export(net.eval(), image(99), plain, dynamo=False, opset_version=17, input_names=["x"],
                      output_names=["y"])  # fmt: skip
    int8, uint8 = ort.QuantType.QInt8, ort.QuantType.QUInt8
    qdq, operators = ort.QuantFormat.QDQ, ort.QuantFormat.QOperator

    def static(form, activation, weight, per_channel, **extra):
        def save(name):
            ort.quantize_static(
                plain, folder / f"{name}.onnx", Images("x"), quant_format=form, per_channel=per_channel,
                activation_type=activation, weight_type=weight, extra_options=extra)  # fmt: skip
        return save

    yield "ort-qdq-int8", static(qdq, int8, int8, False, ActivationSymmetric=True)
    yield "ort-qdq-int8-per-channel", static(qdq, int8, int8, True)
    yield "ort-qdq-uint8-int8", static(qdq, uint8, int8, True)
    yield "ort-qdq-uint8-uint8", static(qdq, uint8, uint8, False)
    yield "ort-qdq-float-bias", static(qdq, uint8, int8, True, QuantizeBias=False)
    yield "ort-qdq-weights-quantized-on-load", static(qdq, uint8, int8, False, AddQDQPairToWeight=True)
    yield "ort-qoperator-uint8", static(operators, uint8, uint8, False)
    yield "ort-qoperator-per-channel", static(operators, uint8, int8, True)
    yield "ort-qoperator-int8", static(operators, int8, int8, False)
    yield "ort-dynamic-uint8", lambda n: ort.quantize_dynamic(
        plain, folder / f"{n}.onnx", weight_type=uint8)
    yield "ort-dynamic-int8-per-channel", lambda n: ort.quantize_dynamic(
        plain, folder / f"{n}.onnx", weight_type=int8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm"])


def sized(path):
    value = graph_input(onnx.load(path, load_external_data=False))
    shape = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
    return np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    temporary = folder / "float"
    temporary.mkdir(parents=True, exist_ok=True)

    def keep(name, data):
        try:
            np.save(folder / f"{name}.output.npy", expected(folder / f"{name}.onnx", data))
            np.save(folder / f"{name}.input.npy", data)
            print(name, flush=True)
        except Exception:
            print(f"{name}: {traceback.format_exc().strip().splitlines()[-1][:200]}", flush=True)

    for name, make in [*brevitas_files(folder), *onnxruntime_files(folder, temporary)]:
        try:
            make(name)
        except Exception:
            print(f"{name}: {traceback.format_exc().strip().splitlines()[-1][:200]}", flush=True)
            continue
        keep(name, image(99).numpy())
    for path in map(pathlib.Path, sys.argv[2:]):
        name = "-".join(path.with_suffix("").parts[-2:])
        shutil.copy(path, folder / f"{name}.onnx")
        for data in path.parent.glob(path.name + ".data"):
            shutil.copy(data, folder / data.name)
        keep(name, sized(path))


main()
