"""Neural networks that fit narrow accumulators, with a proof.

    import snug_onnx

    result = snug_onnx.convert("model.onnx", data=samples, accumulator_bits=14)
    assert snug_onnx.verify(result.model)
    result.save("model-w4a4.onnx")

Models are paths, bytes, or `onnx.ModelProto`s. Options are those of the command `snug`, with underscores:
`snug_onnx.settings("convert")` lists them. Messages go to the logger "snug_onnx".
"""
from typing import Any, Dict

from ._jobs import ProgressCallback
from ._library import Cancelled, InputError, OutputError, SnugError, UsageError, library
from ._model import Model, Progress, Session, doctor, settings
from ._results import (Conversion, Counterexample, Evaluation, Export, Inspection, Layer, LayerVerdict, Metric,
                       Sweep, Verification)
from ._samples import Samples

__version__: str = library.snug_version().decode()

_DATA = """data: samples. A path of anything that the command takes; an array whose first dimension counts samples; a dict of
            such by input name; (inputs, labels); or an iterable of any of these: a list, a generator, a PyTorch
            DataLoader, or a CalibrationDataReader of onnxruntime."""
_REST = """validation: held-out samples with labels, in the same forms; the metric is measured before and after.
        output: the path of the result; it stays in memory where this is None.
        progress: called with (stage, completed, total, unit); True for a bar of tqdm. What it raises stops the job.
        options: those below, with underscores for dashes.
"""


def inspect(model: Any) -> Inspection:
    """Every dot-product layer of a model: bits, scales, what its accumulator needs, sparsity."""
    return _model(model).inspect()


def verify(model: Any, **options: Any) -> Verification:
    """Proves or refutes that no accumulator of a model can overflow, whatever the input and the order of summation.

    A refutation is a result, not an error: `if not verify(model): ...`
    """
    return _model(model).verify(**options)


def certificate(model: Any, **options: Any) -> Dict[str, Any]:
    """The verdict with every number that it rests on, bound to the file by its hash."""
    return _model(model).certificate(**options)


def convert(model: Any, data: Any = None, *, validation: Any = None, output: Any = None, progress: Progress = None,
            **options: Any) -> Conversion:
    return _model(model).convert(data, validation=validation, output=output, progress=progress, **options)


def finetune(model: Any, data: Any = None, *, validation: Any = None, output: Any = None, progress: Progress = None,
             **options: Any) -> Conversion:
    return _model(model).finetune(data, validation=validation, output=output, progress=progress, **options)


def sweep(model: Any, data: Any, accumulator_bits: Any, *, validation: Any = None, folder: Any = None,
          progress: Progress = None, **options: Any) -> Sweep:
    """Converts a model at many widths, proves each result and measures it.

    Args:
        accumulator_bits: widths: a range, a list, or a text such as "9...20".
        folder: where table, figure and page go; a temporary one where this is None.
    """
    return _model(model).sweep(data, accumulator_bits, validation=validation, folder=folder, progress=progress,
                               **options)


def export(model: Any, format: str = "qonnx", *, output: Any = None, **options: Any) -> Export:
    """Writes a quantized model in another format; every integer stays as it is."""
    return _model(model).export(format, output=output, **options)


def evaluate(model: Any, data: Any, *, progress: Progress = None, **options: Any) -> Evaluation:
    """Measures a model on samples with labels or targets."""
    return _model(model).evaluate(data, progress=progress, **options)


def run(model: Any, *inputs: Any, **named: Any) -> Dict[str, Any]:
    """Runs a model once, on arrays in the order of its inputs or by their names."""
    return _model(model).run(*inputs, **named)


def set_threads(count: int) -> None:
    """Sets how many threads this process computes with; all cores unless it is called."""
    library.snug_set_threads(count)


def _model(model: Any) -> Model:
    if isinstance(model, (Conversion, Export)):
        return model.model
    return model if isinstance(model, Model) else Model(model)


def _document_options() -> None:
    """Completes the documentation of the jobs from the library's own table of options."""
    texts = {
        "convert": "Converts a float model to a low-bit one whose accumulators are proved not to overflow.",
        "finetune": "The same as `convert`, after training under the constraint.",
    }
    for name, text in texts.items():
        arguments = f"\n\n    Args:\n        model: a path, the bytes of a file, or an onnx.ModelProto.\n        {_DATA}\n        {_REST}"
        for function in (globals()[name], getattr(Model, name)):
            function.__doc__ = text + arguments
    for name in ("convert", "finetune", "sweep", "verify", "export", "evaluate"):
        listed = "\n".join(
            f"        {setting['name'].replace('-', '_')}: {setting['summary']}"
            + (f" (values: {', '.join(setting['values'])})" if "values" in setting else "")
            + (f" (default: {setting['default']})" if "default" in setting else "") + "."
            for setting in settings(name))
        for function in (globals()[name], getattr(Model, name)):
            function.__doc__ = (function.__doc__ or "") + "\n\n    Options:\n" + listed + "\n"


_document_options()

__all__ = [
    "Cancelled", "Conversion", "Counterexample", "Evaluation", "Export", "InputError", "Inspection", "Layer",
    "LayerVerdict", "Metric", "Model", "OutputError", "ProgressCallback", "Samples", "Session", "SnugError", "Sweep",
    "UsageError", "Verification", "certificate", "convert", "doctor", "evaluate", "export", "finetune", "inspect", "run",
    "set_threads", "settings", "sweep", "verify",
]
