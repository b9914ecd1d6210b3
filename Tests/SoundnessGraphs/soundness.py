"""Runs random quantized graphs against `snug verify`, and reports certificates that an execution disproves.

usage: scripts/soundness [--count N] [--seed S] [--family NAME]... [--jobs J] [--snug PATH] [--also-certify]
           [--json] [--output FOLDER]
Graph i of a family follows from the seed, the family and i alone. Exit status: 0 no false certificate and no
layer of Snug's own that is refused, 1 some, which are saved as FOLDER/FAMILY-SEED-I.onnx.
"""

import argparse
import importlib.util
import json
import multiprocessing
import multiprocessing.pool
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from execution import REAL, NotExecutable, matches_qonnx, widest  # noqa: E402
from families import FAMILIES  # noqa: E402
from graph import Graph  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRIALS = 24
COLUMNS = (
    "graphs",
    "executed",
    "analysed",
    "tight",
    "refused",
    "unusable",
    "died",
    "skipped",
    "over-refused",
    "false",
)


def made(family, seed, index):
    """The graph, or None where its parts don't fit each other."""
    number = list(FAMILIES).index(family)
    rng = np.random.default_rng([seed, number, index])
    g = Graph(rng)
    try:
        FAMILIES[family](g)
        return g
    except (IndexError, ValueError):
        return None


class Snug:
    """The verifier under test: a process for each file, or one that answers for file after file."""

    def __init__(self, path, server):
        self.path, self.server, self.process = path, server, None

    def verify(self, file, bits, strict=False):
        """Exit status, the least width that is said to hold all sums (None if one isn't known), reasons."""
        if self.server:
            status, text = self.ask(file, bits, strict)
        else:
            command = [self.path, "verify", file, "--json"] + (
                ["--accumulator-bits", str(bits)] if bits else []
            )
            done = subprocess.run(
                command + (["--strict"] if strict else []), capture_output=True, close_fds=False
            )
            status, text = done.returncode, done.stdout
        try:
            layers = json.loads(text)["layers"]
        except (ValueError, KeyError):
            return status, None, []
        needs = [layer["required_bits"] for layer in layers]
        reasons = [reason for layer in layers for reason in layer.get("reasons", [])]
        return status, max(needs) if needs and None not in needs else None, reasons

    def ask(self, file, bits, strict):
        """One line to the server, `FILE<tab>BITS or 0<tab>0 or 1`, and its answer `STATUS<tab>JSON`."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                self.server.split(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        try:
            self.process.stdin.write(f"{file}\t{bits or 0}\t{int(strict)}\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            return self.process.wait(), ""
        status, text = answer.split("\t", 1)
        return int(status), text


class Certify:
    """scripts/certify.py, within this process."""

    def __init__(self):
        spec = importlib.util.spec_from_file_location("certify", ROOT / "scripts/certify.py")
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def verify(self, file, bits, strict=False):
        try:
            layers, findings, remark = self.module.certify(file, bits)
        except Exception:
            return 2, None, []
        needs = [layer.required for layer in layers]
        reasons = [reason for layer in layers for reason in layer.reasons]
        refused = bool(findings or reasons or strict and remark)
        return int(refused), max(needs) if needs and None not in needs else None, reasons


def tiled_verdict(g, results, verifier, file):
    """The verdict on an annotation that states one bit less than tiles, or what adds them, needed.

    What else the annotation states is brought in line with what the verifier says, so that it certifies the
    file where nothing but the widths could be wrong. The status is None where no register is that narrow.
    """
    s, (inner, outer) = g.sums[0], results[0]
    node = next(n for n in g.nodes if s.output in n.output)
    target, outer_bits = (63, min(outer - 1, 63)) if outer > 1 and g.chance(0.7) else (min(inner - 1, 63), 63)
    if target < 1:
        return None, None
    entry = {
        "layer": node.name,
        "output": s.output,
        "weight": s.right,
        "target_bits": target,
        "required_bits": 1,
        "input_bits": 4,
        "input_signed": True,
        "method": "exact",
        "tile_size": s.tile,
        "outer_bits": outer_bits,
    }
    for _ in range(3):
        g.metadata["snug.accumulators"] = json.dumps([entry])
        pathlib.Path(file).write_bytes(g.model().SerializeToString())
        status, need, reasons = verifier.verify(file, None)
        stated = dict(entry)
        for field, actual in re.findall(
            r"the file states (\w+) \w+; its integers give (\w+)", " ".join(reasons)
        ):
            if field in entry:
                entry[field] = (
                    {"true": True, "false": False}.get(actual) if field == "input_signed" else int(actual)
                )
        entry["required_bits"] = need or 1
        if stated == entry:
            break
    return status, need


def tried(family, seed, index, verifiers, folder, counts):
    """Runs one graph; gives the names of the verifiers that certify it falsely."""
    counts["graphs"] += 1
    g = made(family, seed, index)
    if g is None:
        counts["skipped"] += 1
        return []
    rng = np.random.default_rng([seed, index])
    file = os.path.join(folder, "graph.onnx")
    try:
        inlined = getattr(g, "inlined", None)
        results = widest(g, rng, TRIALS, False, inlined) if g.sums else []
        if g.sums and index % 4 == 0 and not inlined:
            try:
                more = widest(g, rng, TRIALS // 2, True)
                results = [(max(a, c), max(b, d)) for (a, b), (c, d) in zip(results, more)]
            except NotExecutable:
                pass
        model = g.model()
        data = model.SerializeToString()
    except (NotExecutable, ValueError, TypeError, KeyError, IndexError) as error:
        counts["skipped"] += 1
        counts[f"skipped: {type(error).__name__}: {str(error)[:90]}"] += 1
        return []
    with open(file, "wb") as stream:
        stream.write(data)
    counts["executed"] += bool(g.sums)
    tiled = bool(g.sums and g.sums[0].tile)
    observed = max((inner for inner, _ in results), default=None)
    wrong = []
    for name, verifier in verifiers.items():
        counts = counts if name == "verify" else Counter()
        if getattr(g, "exact", False):
            status, need, _ = verifier.verify(file, None if g.metadata else g.expected)
            counts["tight"] += status == 0
            if status == 0 and g.expected > 1 and verifier.verify(file, g.expected - 1)[0] == 0:
                wrong.append(name)
            if status != 0:
                counts["over-refused"] += 1
                wrong.append(name + " refuses")
        elif g.hidden:
            status, need, _ = verifier.verify(
                file, None if getattr(g, "stated", False) else 63, getattr(g, "strict", False)
            )
        elif tiled and observed != REAL:
            status, need = tiled_verdict(g, results, verifier, file)
            counts["analysed"] += need is not None
            if status is None:
                counts["skipped"] += 1
                continue
        else:
            if observed == 1:
                counts["skipped"] += 1
                continue
            status, need, _ = verifier.verify(file, 63 if observed == REAL else min(observed - 1, 63))
            counts["analysed"] += need is not None
            counts["tight"] += need == observed
            if need is not None and observed != REAL and need < observed:
                counts["said too little"] += 1
        counts["unusable"] += status == 2
        counts["refused"] += status == 1 and need is None
        counts["skipped: status 64"] += status == 64
        if status not in (0, 1, 2, 64):
            wrong.append(f"{name} ends with {status}")
        if status == 0 and not getattr(g, "exact", False):
            wrong.append(name)
    return wrong


def work(options, families, start, stride, folder, connection):
    """Tries a share of the graphs, and sends after each its family, its counts and what went wrong."""
    verifiers = {} if options.only_certify else {"verify": Snug(options.snug, options.server)}
    if options.also_certify or options.only_certify:
        verifiers["certify" if not options.only_certify else "verify"] = Certify()
    kept = Counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for i in range(start, options.count, stride):
            family, index = families[i % len(families)], i // len(families)
            counts, entry = Counter(), None
            names = tried(family, options.seed, index, verifiers, folder, counts)
            if names:
                counts["false"] += not any(name.endswith("refuses") for name in names)
                target = pathlib.Path(options.output)
                target.mkdir(parents=True, exist_ok=True)
                path = target / f"{family}-{options.seed}-{index}.onnx"
                kept[family] += 1
                if kept[family] <= options.keep:
                    path.write_bytes(pathlib.Path(folder, "graph.onnx").read_bytes())
                entry = {
                    "file": str(path),
                    "family": family,
                    "seed": options.seed,
                    "index": index,
                    "by": names,
                }
            connection.send((family, counts, entry))


def supervised(arguments):
    """Counts by family of a share of the graphs, and what went wrong.

    The libraries that build and execute graphs can die of an odd one. They do so in a process of their own;
    the graph that it was at is counted as unusable, and another process goes on behind it.
    """
    options, families, start, stride = arguments
    table, wrong = {family: Counter() for family in families}, []
    context = multiprocessing.get_context("spawn")
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    while start < options.count:
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(options, families, start, stride, folder, sender))
            process.start()
            sender.close()
            try:
                while True:
                    family, counts, entry = receiver.recv()
                    table[family].update(counts)
                    wrong += [entry] if entry else []
                    start += stride
            except EOFError:
                process.join()
        if process.exitcode > 0:
            raise RuntimeError(f"a process of the generator ended with {process.exitcode}")
        if start < options.count:
            family, index = families[start % len(families)], start // len(families)
            table[family].update(graphs=1, unusable=1, died=1)
            print(f"{family}-{options.seed}-{index}: died of signal {-process.exitcode}", file=sys.stderr)
            start += stride
    return table, wrong


def compare_with_qonnx(seed, count):
    """Whether the replaced QONNX operators compute what qonnx computes, over some graphs."""
    agreed = 0
    for family in ("signs", "truncation", "thresholds", "borders", "biases"):
        for index in range(count):
            g = made(family, seed, index)
            if g is None or not any(node.domain for node in g.nodes):
                continue
            try:
                if not matches_qonnx(g, np.random.default_rng([seed, index])):
                    return f"{family}-{seed}-{index}"
                agreed += 1
            except Exception:
                continue
    return agreed


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1900, help="graphs, over all families (default: 1900)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--family", action="append", choices=sorted(FAMILIES), help="only this one; may be repeated"
    )
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--snug", default=str(ROOT / ".build/release/snug"))
    parser.add_argument("--server", help="a command that answers for many files; see Snug.ask")
    parser.add_argument(
        "--also-certify", action="store_true", help="run scripts/certify.py on the same files"
    )
    parser.add_argument("--only-certify", action="store_true", help="run scripts/certify.py instead of snug")
    parser.add_argument(
        "--check-executor", action="store_true", help="compare the executor with qonnx, and end"
    )
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.add_argument("--output", default=str(ROOT / "out/soundness"), help="where files are saved")
    parser.add_argument(
        "--keep", type=int, default=20, help="files to save of each family and job (default: 20)"
    )
    options = parser.parse_args()
    if options.check_executor:
        agreed = compare_with_qonnx(options.seed, options.count)
        print(f"qonnx agrees on {agreed} graphs" if isinstance(agreed, int) else f"qonnx differs on {agreed}")
        return 0 if isinstance(agreed, int) else 1
    families = options.family or list(FAMILIES)
    shares = [(options, families, job, options.jobs) for job in range(options.jobs)]
    with multiprocessing.pool.ThreadPool(options.jobs) as pool:
        results = pool.map(supervised, shares)
    table = {family: sum((counts[family] for counts, _ in results), Counter()) for family in families}
    wrong = [entry for _, entries in results for entry in entries]
    total = sum(table.values(), Counter())
    if options.json:
        print(
            json.dumps(
                {
                    "seed": options.seed,
                    "false": len(wrong),
                    "total": {c: total[c] for c in COLUMNS},
                    "families": {f: {c: table[f][c] for c in COLUMNS} for f in families},
                    "files": wrong[:100],
                }
            )
        )
    else:
        print("".join(f"{c:>14}" for c in ("family", *COLUMNS)))
        for family, counts in [*table.items(), ("all", total)]:
            print(f"{family:>14}" + "".join(f"{counts[c]:>14}" for c in COLUMNS))
        for entry in wrong[:20]:
            print(f"{', '.join(entry['by'])}: {entry['file']}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
