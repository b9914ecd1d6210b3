"""The Python package, on the digit classifier. Needs numpy and pytest; what needs onnx, onnxruntime or torch is skipped
where they are absent.

usage: python3 -m pytest python/tests     with SNUG_LIBRARY the path of libsnug, or the wheel installed
"""
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import snug_onnx

DIGITS = Path(__file__).resolve().parents[2] / "fixtures" / "digits"
MODEL = DIGITS / "model.onnx"
BITS = dict(weight_bits=4, activation_bits=4, accumulator_bits=12)


@pytest.fixture(scope="module")
def x():
    return np.load(DIGITS / "calibration.npz")["x"]


@pytest.fixture(scope="module")
def test_set():
    data = np.load(DIGITS / "test.npz")
    return data["x"], data["y"]


@pytest.fixture(scope="module")
def by_path():
    return snug_onnx.convert(MODEL, DIGITS / "calibration.npz", **BITS).raw["report"]["layers"]


class Tensor:
    """What data needs to know of a PyTorch tensor."""

    def __init__(self, values):
        self._values = values

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self._values


class Reader:
    """A CalibrationDataReader of onnxruntime."""

    def __init__(self, x):
        self._x, self._at = x, 0

    def get_next(self):
        if self._at == len(self._x):
            return None
        self._at += 1
        return {"input": self._x[self._at - 1:self._at]}

    def rewind(self):
        self._at = 0


@pytest.mark.parametrize("form", [
    lambda x: x,
    lambda x: {"input": x},
    lambda x: (x, np.arange(len(x)) % 10),
    lambda x: list(x),
    lambda x: (sample for sample in x),
    lambda x: [x[:50], x[50:]],
    lambda x: [{"input": x[i:i + 1]} for i in range(len(x))],
    lambda x: [(Tensor(x[i:i + 32]), Tensor(np.zeros(len(x[i:i + 32]), np.int64))) for i in range(0, len(x), 32)],
    Reader,
    lambda x: snug_onnx.Samples(x, {"input": 4}, True),
], ids=["array", "dict", "pair", "list", "generator", "batches", "dicts", "loader", "reader", "samples"])
def test_samples_in_any_form_give_the_integers_and_scales_that_the_file_gives(form, x, by_path):
    result = snug_onnx.convert(MODEL, form(x), **BITS)
    assert result.raw["report"]["layers"] == by_path


def test_a_model_is_a_path_bytes_or_a_proto(x):
    expected = snug_onnx.inspect(MODEL).raw["layers"]
    assert snug_onnx.inspect(str(MODEL)).raw["layers"] == expected
    assert snug_onnx.inspect(MODEL.read_bytes()).raw["layers"] == expected

    class Proto:
        def SerializeToString(self):
            return MODEL.read_bytes()

    assert snug_onnx.inspect(Proto()).raw["layers"] == expected
    with pytest.raises(snug_onnx.UsageError, match="a model is"):
        snug_onnx.inspect(7)


def test_a_conversion_is_certified_and_measured(x, test_set):
    result = snug_onnx.convert(MODEL, x, validation=test_set, **BITS)
    assert result.certified and snug_onnx.verify(result)
    assert result.metric_float.metric == "top1" and result.metric_float.value > 98
    assert result.metric_quantized.value > 95
    hidden = [layer for layer in result.report.layers if layer.target_bits == 12]
    assert len(hidden) == 4 and all(layer.required_bits <= 12 and layer.weight_bits == 4 for layer in hidden)
    assert result._repr_html_().startswith("<iframe") and "&lt;html" in result._repr_html_()


def test_a_refutation_is_a_result_with_an_input_that_overflows(x):
    result = snug_onnx.convert(MODEL, x, method="unconstrained", **BITS)
    verdict = snug_onnx.verify(result, accumulator_bits=12)
    assert not verdict
    found = next(layer.counterexample for layer in verdict.refuted if layer.counterexample)
    assert not -2048 <= found.sum <= 2047 and len(found.input) > 1
    assert "not certified" in verdict._repr_html_()


def test_results_go_to_files_bytes_and_other_formats(x, tmp_path):
    result = snug_onnx.convert(MODEL, x, **BITS)
    result.save(tmp_path / "a.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == bytes(result.model)
    written = snug_onnx.convert(MODEL, x, output=tmp_path / "b.onnx", **BITS)
    assert written.model.path == str(tmp_path / "b.onnx")
    exported = snug_onnx.export(result, "qcdq")
    assert exported.format == "qcdq" and exported.report.certified
    private = result.model.path
    assert os.path.exists(private)
    del result
    assert not os.path.exists(private)


def test_runs_agree_with_onnxruntime(test_set):
    runtime = pytest.importorskip("onnxruntime")
    x = test_set[0][:20].astype(np.float32)
    ours = snug_onnx.Session(MODEL).run({"input": x})["logits"]
    theirs, = runtime.InferenceSession(str(MODEL)).run(None, {"input": x})
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_a_session_runs_batches_of_any_size(test_set):
    session = snug_onnx.Session(MODEL)
    x = test_set[0].astype(np.float32)
    large = session.run(np.tile(x, (20, 1, 1, 1)))["logits"]
    small = session.run(input=x[:3])["logits"]
    assert large.shape == (20 * len(x), 10) and small.shape == (3, 10)
    np.testing.assert_allclose(large[:3], small, rtol=1e-4, atol=1e-4)


def test_finetuning_follows_a_callback(x, test_set):
    told = []
    result = snug_onnx.finetune(
        MODEL, x, validation=test_set, loss="distill", epochs=60, accumulator_bits=8, learning_rate=0.01,
        progress=lambda *args: told.append(args))
    assert result.certified and result.metric_quantized.value > 90
    assert any(stage == "training" and unit == "steps" for stage, _, _, unit in told)


def test_a_sweep_has_points_and_a_figure(x, test_set, tmp_path):
    found = snug_onnx.sweep(MODEL, x, range(10, 13), validation=test_set, recommend=2, folder=tmp_path / "sweep")
    assert [point["accumulator_bits"] for point in found.points] == [10, 11, 12]
    assert found.recommendation and (found.folder / "recommended.onnx").exists()
    assert found._repr_html_().lstrip().startswith("<")


def test_options_come_from_the_table_of_the_command(x):
    names = {setting["name"] for setting in snug_onnx.settings("convert")}
    assert {"accumulator-bits", "weight-bits", "max-loss", "epochs", "mean"} <= names
    assert "accumulator_bits: Signed accumulator width" in snug_onnx.convert.__doc__
    with pytest.raises(TypeError, match="did you mean 'accumulator_bits'"):
        snug_onnx.convert(MODEL, x, acumulator_bits=14)
    with pytest.raises(snug_onnx.InputError, match="2 to 32"):
        snug_onnx.convert(MODEL, x, accumulator_bits=99)
    layers = [{"match": "/conv1/Conv", "weight_bits": 8}]
    result = snug_onnx.convert(MODEL, x, layers=layers, **BITS)
    assert {layer.name: layer.weight_bits for layer in result.report.layers}["/conv1/Conv"] == 8


def test_errors_name_what_is_wrong(x):
    with pytest.raises(snug_onnx.InputError, match="nonexistent") as caught:
        snug_onnx.inspect("/nonexistent.onnx")
    assert caught.value.code == 2
    with pytest.raises(snug_onnx.SnugError):
        snug_onnx.verify(b"not an ONNX file")
    with pytest.raises(snug_onnx.SnugError, match="5x3x3x3; the model needs Nx1x8x8") as caught:
        snug_onnx.convert(MODEL, np.zeros((5, 3, 3, 3), np.float32), **BITS)
    assert "/snug-" not in str(caught.value), "private files are no one's business"
    with pytest.raises(snug_onnx.OutputError):
        snug_onnx.convert(MODEL, x, **BITS).save("/proc/none/x.onnx")


def test_what_a_source_or_a_callback_raises_reaches_the_caller(x):
    def broken():
        yield x[0]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        snug_onnx.convert(MODEL, broken(), **BITS)

    def refuse(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        snug_onnx.finetune(MODEL, x, loss="distill", epochs=100000, progress=refuse)


def test_ctrl_c_ends_a_training_cleanly(x):
    script = (
        "import signal, numpy as np, snug_onnx\n"
        # Whoever started the tests may have had the signal ignored or blocked.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})\n"
        f"x = np.load({str(DIGITS / 'calibration.npz')!r})['x']\n"
        "try:\n"
        f"    snug_onnx.finetune({str(MODEL)!r}, x, loss='distill', epochs=100000,\n"
        "                       progress=lambda *a: print('step', flush=True))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n")
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    timer = threading.Timer(60, process.kill)
    timer.start()
    while "step" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    timer.cancel()
    assert out.endswith("interrupted\n") and process.returncode == 0 and err == ""


def test_the_command_is_there_too():
    done = subprocess.run([sys.executable, "-m", "snug_onnx", "--version"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stdout.strip() == snug_onnx.__version__ and done.returncode == 0


def test_nothing_but_numpy_is_imported():
    script = "import sys, snug_onnx; print(sorted({n.split('.')[0] for n in sys.modules} & {'onnx', 'onnxruntime', 'torch', 'tqdm'}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.stdout.strip() == "[]", done.stderr


def test_sequences_of_different_lengths_are_samples_of_their_own():
    onnx = pytest.importorskip("onnx")
    rng = np.random.default_rng(0)
    w = rng.normal(size=(16, 8)).astype(np.float32)
    v = rng.normal(size=(8, 8)).astype(np.float32)
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "w"], ["h"], name="first"), helper.make_node("Relu", ["h"], ["r"]),
         helper.make_node("MatMul", ["r", "v"], ["m"], name="second"), helper.make_node("Add", ["m", "b"], ["out"])],
        "net",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, ["batch", "length", 16]),
         helper.make_tensor_value_info("b", TensorProto.FLOAT, ["batch", "length", 8])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", "length", 8])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(v, "v")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    samples = [{"a": rng.normal(size=(1, length, 16)).astype(np.float32),
                "b": rng.normal(size=(1, length, 8)).astype(np.float32)} for length in (3, 5, 7, 5)]
    result = snug_onnx.convert(model, samples, accumulator_bits=16, io_layers="none")
    assert result.certified and result.raw["calibration_samples"] == 4
