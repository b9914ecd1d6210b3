"""Times one training step of PyTorch and of Brevitas: forward, backward, SGD with momentum.

    pip install torch brevitas onnx onnxruntime
    training.py [--model M ...] [--peer P ...] [--steps N]    measure, one JSON line a configuration
    training.py --export DIR [--model M ...]                  write the float networks as ONNX
    training.py --data FILE.npz --model M                     write random samples for a network
    training.py --table FILE.jsonl                            show JSON lines of one or more runs as a table

Networks: CIFAR ResNet-18, MobileNetV1 (of width 0.5, wide: 1) at batch 64, ESPCN x2 at 8 inputs of 256x256
(targets of 512x512). Brevitas trains W4A4 A2Q+ at P = 14; see networks.py. All peers get one random batch, again and again,
so that no time goes into data. Every configuration runs in a process of its own, whose peak memory is reported.
Brevitas takes activation ranges from the first 300 steps: `brevitas-collecting` is such a step, `brevitas` one after
them, `brevitas-jit` the same with its compiled kernels.
"""

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import time

MODELS = ["resnet18", "mobilenet", "mobilenet-wide", "espcn-x2"]
PEERS = ["pytorch", "pytorch-channels-last", "pytorch-compiled", "pytorch-compiled-channels-last",
         "brevitas", "brevitas-jit", "brevitas-collecting"]
BATCH = {"resnet18": 64, "mobilenet": 64, "mobilenet-wide": 64, "espcn-x2": 8}
SAMPLES = {name: 32 * batch for name, batch in BATCH.items()} | {"espcn-x2": 64}
WARM_UP = 4
COLLECT_STEPS = 2  # within the warm-up


def measure(name, peer, steps, threads):
    """Runs in a process of its own."""
    import resource

    import networks
    import torch

    torch.set_num_threads(threads)
    layers = networks.Float()
    if peer.startswith("brevitas"):
        layers = networks.Brevitas(300 if peer == "brevitas-collecting" else COLLECT_STEPS)
    model = networks.build(name, layers).train()
    inputs, targets = networks.batch(name, BATCH[name])
    if "channels-last" in peer:
        model, inputs = (x.to(memory_format=torch.channels_last) for x in (model, inputs))
    penalty = layers.penalty(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-5)
    if "compiled" in peer:
        model = torch.compile(model)
    criterion = networks.loss(name)
    seconds = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets) + penalty()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    if not torch.isfinite(loss):
        sys.exit(f"{peer} diverged on {name}")
    seconds = seconds[WARM_UP:]
    result = {
        "model": name, "peer": peer, "batch": BATCH[name], "threads": threads, "steps": steps,
        "step_seconds_median": statistics.median(seconds), "step_seconds_min": min(seconds),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "final_loss": loss.item(), "torch": torch.__version__}
    print(json.dumps(result), flush=True)


def measure_apart(name, peer, steps, threads):
    # This process imports nothing large: a child's peak memory starts from its parent's.
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONWARNINGS="ignore")
    environment["BREVITAS_JIT"] = "1" if peer == "brevitas-jit" else "0"
    command = [sys.executable, __file__, "--measure", name, peer, str(steps), str(threads)]
    return subprocess.run(command, env=environment).returncode == 0


def export(name, folder):
    """Writes the float network with its batch normalisation as nodes of their own, and checks the file."""
    import networks
    import numpy as np
    import onnx
    import onnxruntime
    import torch

    model = networks.build(name, networks.Float())
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the plain mean over the batches
    model.train()
    with torch.no_grad():
        for seed in range(1, 4):
            model(networks.batch(name, BATCH[name], seed)[0])
    for norm in norms:
        norm.momentum = 0.1
    model.eval()
    inputs = networks.batch(name, 2, seed=4)[0]
    axes = {"input": {0: "batch"}, "output": {0: "batch"}}
    if name == "espcn-x2":
        axes = {"input": {0: "batch", 2: "height", 3: "width"},
                "output": {0: "batch", 2: "output_height", 3: "output_width"}}
    path = os.path.join(folder, name + ".onnx")
    os.makedirs(folder, exist_ok=True)
    torch.onnx.export(
        model, (inputs,), path, dynamo=False, opset_version=13, do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE, input_names=["input"], output_names=["output"],
        dynamic_axes=axes)
    file = onnx.load(path)
    onnx.checker.check_model(file, full_check=True)
    nodes = collections.Counter(node.op_type for node in file.graph.node)
    assert nodes["BatchNormalization"] == len(norms), "batch normalisation was folded"
    assert not nodes["Identity"], "equal tensors were made one"
    for node in file.graph.node:
        assert all(a.name != "training_mode" or a.i == 0 for a in node.attribute), "normalisation trains"
    found = onnxruntime.InferenceSession(path).run(None, {"input": inputs.numpy()})[0]
    with torch.no_grad():
        error = np.abs(found - model(inputs).numpy()).max()
    assert error < 1e-4, f"onnxruntime differs by {error}"
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{path}: {parameters} parameters, {dict(nodes)}, differs from onnxruntime by {error:.1e}")


def write_data(name, path):
    import networks
    import numpy as np

    inputs, targets = networks.batch(name, SAMPLES[name], seed=5)
    np.savez(path, x=inputs.numpy(), y=targets.numpy())


def table(path):
    """Medians over the runs in the file, and how many times Snug's time and memory each peer takes."""
    with open(path) as file:
        lines = [json.loads(line) for line in file if line.strip()]
    runs = {}
    for line in lines:
        runs.setdefault(line["model"], {}).setdefault(line["peer"], []).append(line)
    for name, peers in runs.items():
        middle = {peer: {key: statistics.median(run[key] for run in found)
                         for key in ("step_seconds_median", "peak_memory_bytes")}
                  for peer, found in peers.items()}
        snug = middle.get("snug")
        print(f"{name}, batch {BATCH[name]}:\n")
        print("| | step, s | of Snug | least, s | peak memory, MB | of Snug | runs |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for peer, values in middle.items():
            seconds, memory = values["step_seconds_median"], values["peak_memory_bytes"]
            least = [run["step_seconds_min"] for run in peers[peer] if run.get("step_seconds_min")]
            print(" ".join([
                f"| {peer} | {seconds:.3f}",
                f"| {seconds / snug['step_seconds_median']:.2f}" if snug else "| -",
                f"| {min(least):.3f}" if least else "| -",
                f"| {memory / 1e6:.0f}",
                f"| {memory / snug['peak_memory_bytes']:.2f}" if snug else "| -",
                f"| {len(peers[peer])} |"]))
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=MODELS, help="default: all")
    parser.add_argument("--peer", action="append", choices=PEERS, help="default: all")
    parser.add_argument("--steps", type=int, default=10, help="measured steps after warm-up (default: 10)")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument("--export", metavar="DIR")
    parser.add_argument("--data", metavar="FILE.npz")
    parser.add_argument("--table", metavar="FILE.jsonl")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    models = arguments.model or MODELS
    if arguments.measure:
        name, peer, steps, threads = arguments.measure
        measure(name, peer, int(steps), int(threads))
    elif arguments.export:
        for name in models:
            export(name, arguments.export)
    elif arguments.data:
        if len(models) != 1:
            parser.error("--data needs one --model")
        write_data(models[0], arguments.data)
    elif arguments.table:
        table(arguments.table)
    else:
        pairs = [(name, peer) for name in models for peer in arguments.peer or PEERS]
        done = [measure_apart(*pair, arguments.steps, arguments.threads) for pair in pairs]
        sys.exit(0 if all(done) else 1)


main()
