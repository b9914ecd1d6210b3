"""Writes a network of Gemm layers with external data, and samples for it: large_model.py FOLDER [LAYERS].

Each layer has 8192 x 8192 float32 weights, 268 MB; ten of them unless given. For time and memory of large files:

    python Benchmarks/peers/large_model.py FOLDER
    /usr/bin/time -v snug convert FOLDER/large.onnx -o FOLDER/quantized.onnx --data FOLDER/samples.npy
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

WIDTH = 8192


def main():
    folder = pathlib.Path(sys.argv[1])
    layers = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    weights, nodes, value = [], [], "x"
    with open(folder / "large.data", "wb") as file:
        for index in range(layers):
            weight = rng.standard_normal((WIDTH, WIDTH), dtype=np.float32) * np.float32(WIDTH ** -0.5)
            tensor = TensorProto(name=f"w{index}", data_type=TensorProto.FLOAT, dims=weight.shape,
                                 data_location=TensorProto.EXTERNAL)
            entries = {"location": "large.data", "offset": file.tell(), "length": weight.nbytes}
            for key, entry in entries.items():
                tensor.external_data.add(key=key, value=str(entry))
            file.write(weight.tobytes())
            weights.append(tensor)
            nodes.append(helper.make_node(
                "Gemm", [value, tensor.name], [f"y{index}"], name=f"layer{index}", transB=1))
            value = f"y{index}"
            if index < layers - 1:
                nodes.append(helper.make_node("Relu", [value], [f"r{index}"], name=f"relu{index}"))
                value = f"r{index}"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", WIDTH]) for name in ["x", value]]
    graph = helper.make_graph(nodes, "large", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              folder / "large.onnx")
    np.save(folder / "samples.npy", rng.standard_normal((8, WIDTH), dtype=np.float32))


if __name__ == "__main__":
    main()
