"""The networks of training.py, in float32 and with the quantizers of Brevitas.

Each is defined once over a set of layers: `Float` gives plain ones, `Brevitas` quantized ones.
"""

import torch
from torch import nn

WEIGHT_BITS, ACTIVATION_BITS, ACCUMULATOR_BITS, IO_BITS = 4, 4, 14, 8


class Float:
    """Plain layers."""

    def conv(self, inputs, outputs, kernel, stride=1, groups=1, bias=False, io=False, signed=False):
        return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias)

    def linear(self, inputs, outputs):
        return nn.Linear(inputs, outputs)

    def relu(self, last=False):
        return nn.ReLU()

    def branch(self):
        return nn.Identity()

    def penalty(self, model):
        return lambda: 0


class Brevitas:
    """A2Q+ on the hidden layers (A2Q on depthwise ones), 8 bits on the first and the last layer.

    Weight quantizers are those of Brevitas' own A2Q examples. Activations are unsigned after a ReLU, signed at
    the network's input, and signed with one shared quantizer on both branches of a residual addition.
    """

    def __init__(self, collect_steps):
        """Activation ranges are taken from the first steps (300 by default in Brevitas), then learned."""
        from brevitas import quant
        from brevitas.core.restrict_val import RestrictValueType

        class Unsigned(quant.Uint8ActPerTensorFloat):
            restrict_scaling_type = RestrictValueType.LOG_FP
            collect_stats_steps = collect_steps

        class Signed(quant.Int8ActPerTensorFloat):
            restrict_scaling_type = RestrictValueType.LOG_FP
            collect_stats_steps = collect_steps

        class Hidden(quant.Int8AccumulatorAwareZeroCenterWeightQuant):
            bit_width = WEIGHT_BITS
            accumulator_bit_width = ACCUMULATOR_BITS
            scaling_min_val = 1e-8
            pre_scaling_min_val = 1e-8

        class Depthwise(quant.Int8AccumulatorAwareWeightQuant):
            bit_width = WEIGHT_BITS
            accumulator_bit_width = ACCUMULATOR_BITS
            scaling_min_val = 1e-8
            pre_scaling_min_val = 1e-8

        self.unsigned, self.signed, self.hidden, self.depthwise = Unsigned, Signed, Hidden, Depthwise
        self.io = quant.Int8WeightPerChannelFloat

    def conv(self, inputs, outputs, kernel, stride=1, groups=1, bias=False, io=False, signed=False):
        from brevitas import nn as qnn
        options = {"weight_quant": self.depthwise if groups > 1 else self.hidden}
        if io:
            options = {"weight_quant": self.io, "weight_bit_width": IO_BITS}
        if signed:
            options |= {"input_quant": self.signed, "input_bit_width": IO_BITS}
        return qnn.QuantConv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias, **options)

    def linear(self, inputs, outputs):
        from brevitas import nn as qnn
        return qnn.QuantLinear(
            inputs, outputs, bias=True, weight_quant=self.io, weight_bit_width=IO_BITS,
            input_quant=self.unsigned, input_bit_width=IO_BITS)

    def relu(self, last=False):
        from brevitas import nn as qnn
        bits = IO_BITS if last else ACTIVATION_BITS
        # A hidden layer after it needs to know the bits of its input; pooling takes a plain tensor.
        return qnn.QuantReLU(act_quant=self.unsigned, bit_width=bits, return_quant_tensor=not last)

    def branch(self):
        from brevitas import nn as qnn
        return qnn.QuantIdentity(act_quant=self.signed, bit_width=ACTIVATION_BITS)

    def penalty(self, model):
        """lambda * sum of max(g - T, 0), as in Brevitas' example, but without its hooks, which the compiled
        kernels ignore: every hidden layer here has unsigned inputs of the same bits."""
        from brevitas.core.scaling.pre_scaling import AccumulatorAwareParameterPreScaling
        from brevitas.function import abs_binary_sign_grad
        constrained = [
            (layer.weight, part) for layer in model.modules() if isinstance(layer, nn.Conv2d)
            for part in layer.modules() if isinstance(part, AccumulatorAwareParameterPreScaling)]
        assert constrained
        bits = torch.tensor(float(ACTIVATION_BITS))

        def term(weight, part):
            norm = abs_binary_sign_grad(part.restrict_clamp_scaling(part.value))
            bound = part.calc_max_l1_norm(bits, False) * part.scaling_impl(weight)
            return torch.relu(norm - bound).sum()

        return lambda: 1e-3 * sum(term(weight, part) for weight, part in constrained)


class Block(nn.Module):
    def __init__(self, layers, inputs, outputs, stride, last):
        super().__init__()
        self.conv1 = layers.conv(inputs, outputs, 3, stride)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.relu1 = layers.relu()
        self.conv2 = layers.conv(outputs, outputs, 3)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.short = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.short = nn.Sequential(layers.conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.branch = layers.branch()
        self.relu2 = layers.relu(last)

    def forward(self, x):
        y = self.relu1(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return self.relu2(self.branch(y) + self.branch(self.short(x)))


class Classifier(nn.Module):
    def __init__(self, features, head):
        super().__init__()
        self.features, self.pool, self.head = nn.Sequential(*features), nn.AdaptiveAvgPool2d(1), head

    def forward(self, x):
        return self.head(torch.flatten(self.pool(self.features(x)), 1))


def resnet18(layers):
    """ResNet-18 as usual for CIFAR-10: 3x3 stem without stride, no max-pooling."""
    features = [layers.conv(3, 64, 3, io=True, signed=True), nn.BatchNorm2d(64), layers.relu()]
    inputs = 64
    for outputs, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        features.append(Block(layers, inputs, outputs, stride, last=False))
        features.append(Block(layers, outputs, outputs, 1, last=outputs == 512))
        inputs = outputs
    return Classifier(features, layers.linear(512, 10))


def mobilenet(layers, width=0.5):
    """MobileNetV1 with a first stride of 1."""
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    inputs = int(32 * width)
    features = [layers.conv(3, inputs, 3, io=True, signed=True), nn.BatchNorm2d(inputs), layers.relu()]
    for index, (outputs, stride) in enumerate(plan):
        outputs = int(outputs * width)
        last = index == len(plan) - 1
        features += [layers.conv(inputs, inputs, 3, stride, groups=inputs), nn.BatchNorm2d(inputs), layers.relu()]
        features += [layers.conv(inputs, outputs, 1), nn.BatchNorm2d(outputs), layers.relu(last)]
        inputs = outputs
    return Classifier(features, layers.linear(inputs, 10))


def mobilenet_wide(layers):
    return mobilenet(layers, width=1)


def espcn_x2(layers):
    return nn.Sequential(
        layers.conv(3, 64, 5, bias=True, io=True, signed=True), nn.BatchNorm2d(64), layers.relu(),
        layers.conv(64, 64, 3, bias=True), nn.BatchNorm2d(64), layers.relu(),
        layers.conv(64, 32, 3, bias=True), nn.BatchNorm2d(32), layers.relu(last=True),
        layers.conv(32, 12, 3, io=True), nn.PixelShuffle(2))


NETWORKS = {"resnet18": resnet18, "mobilenet": mobilenet, "mobilenet-wide": mobilenet_wide, "espcn-x2": espcn_x2}


def build(name, layers):
    """The network with random weights, the same in every run."""
    torch.manual_seed(0)
    network = NETWORKS[name](layers)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # All different, since the exporter would make one initializer of equal ones.
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, (nn.Conv2d, nn.Linear)) and isinstance(layers, Float):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return network


def batch(name, samples, seed=0):
    """Random inputs and targets."""
    random = torch.Generator().manual_seed(seed)
    if name == "espcn-x2":
        return (torch.rand(samples, 3, 256, 256, generator=random),
                torch.rand(samples, 3, 512, 512, generator=random))
    return (torch.randn(samples, 3, 32, 32, generator=random),
            torch.randint(10, (samples,), generator=random))


def loss(name):
    return nn.MSELoss() if name == "espcn-x2" else nn.CrossEntropyLoss()
