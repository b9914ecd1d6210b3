"""Models, and the jobs that can be done with them."""
import ctypes
import difflib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

import numpy as np

from . import _jobs
from ._jobs import ProgressCallback
from ._library import MAX_RANK, Tensor, UsageError, call, library, taken
from ._results import Conversion, Evaluation, Export, Inspection, Sweep, Verification
from ._samples import Samples, array, dtype, fill, is_path

Progress = Union[bool, ProgressCallback, None]


class Model:
    """An ONNX model: one on disk, or one in memory.

    Args:
        source: a path, the bytes of a file, an `onnx.ModelProto`, or a Model.
        name: what messages call a model in memory.
    """

    def __init__(self, source: Any, name: str = "model.onnx"):
        self._handle: Optional[int] = None
        if isinstance(source, Model):
            # Shares the file; the other one has to live as long.
            self._source: Any = source
            self._handle = call("snug_model_open", source.path.encode())
        elif is_path(source):
            self._handle = call("snug_model_open", os.fsencode(source))
        else:
            if hasattr(source, "SerializeToString"):
                source = source.SerializeToString()
            if not isinstance(source, (bytes, bytearray, memoryview)):
                raise UsageError(
                    "a model is a path, the bytes of a file, or an onnx.ModelProto, not "
                    f"{type(source).__name__}", 64)
            content = bytes(source)
            self._handle = call("snug_model_from_memory", content, len(content), name.encode())

    @classmethod
    def _adopting(cls, handle: int) -> "Model":
        model = cls.__new__(cls)
        model._handle = handle
        return model

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            library.snug_model_free(handle)

    def __repr__(self) -> str:
        return f"Model({os.path.basename(self.path)!r})"

    @property
    def path(self) -> str:
        """Where the file is; that of a model in memory is private, and goes with this object."""
        return os.fsdecode(library.snug_model_path(self._handle))

    def __bytes__(self) -> bytes:
        count = ctypes.c_size_t()
        place = call("snug_model_bytes", self._handle, ctypes.byref(count))
        try:
            return ctypes.string_at(place, count.value)
        finally:
            library.snug_free(place)

    def save(self, path: Any) -> None:
        """Writes a copy of the file; what was at the path stays until it is complete."""
        call("snug_model_save", self._handle, os.fsencode(path))

    def to_onnx(self) -> Any:
        """The model as an `onnx.ModelProto`; needs the package onnx."""
        import onnx

        return onnx.load_model(self.path)

    def signature(self) -> Dict[str, List[Dict[str, Any]]]:
        """What the model takes and gives: {"inputs": [{"name", "type", "shape"}], "outputs": [...]}; a size that is open is a
        text."""
        return _document(call("snug_model_signature", self._handle))

    def inspect(self) -> Inspection:
        """Every dot-product layer: bits, scales, what its accumulator needs, sparsity."""
        return Inspection._of(_document(call("snug_model_inspect", self._handle)), self._page())

    def verify(self, **options: Any) -> Verification:
        """Proves or refutes that no accumulator can overflow. A refutation is a result, not an error."""
        return Verification._of(
            _document(call("snug_model_verify", self._handle, _options("verify", options))))

    def certificate(self, **options: Any) -> Dict[str, Any]:
        """The verdict with every number that it rests on, bound to the file by its hash."""
        return _document(call("snug_model_certificate", self._handle, _options("verify", options)))

    def convert(self, data: Any = None, *, validation: Any = None, output: Any = None,
                progress: Progress = None, **options: Any) -> Conversion:
        return self._converted("convert", data, validation, output, progress, options)

    def finetune(self, data: Any = None, *, validation: Any = None, output: Any = None,
                 progress: Progress = None, **options: Any) -> Conversion:
        return self._converted("finetune", data, validation, output, progress, options)

    def _converted(self, job: str, data: Any, validation: Any, output: Any, progress: Progress,
                   options: Dict[str, Any]) -> Conversion:
        samples = self._samples(data, "data", options)
        held_out = samples if validation is data else self._samples(validation, "validation", options)
        text = _options(job, options)

        def work(observer: Any) -> Any:
            summary = ctypes.c_void_p()
            handle = call("snug_model_" + job, self._handle, text, _handle(samples), _handle(held_out),
                          None if output is None else os.fsencode(output), observer, ctypes.byref(summary))
            return handle, summary.value

        handle, summary = _jobs.follow(work, progress)
        model = Model._adopting(handle)
        return Conversion._of(model, _document(summary), model._page())

    def sweep(self, data: Any, accumulator_bits: Any, *, validation: Any = None, folder: Any = None,
              progress: Progress = None, **options: Any) -> Sweep:
        samples = self._samples(data, "data", options)
        held_out = samples if validation is data else self._samples(validation, "validation", options)
        keep = None
        if folder is None:
            keep = tempfile.TemporaryDirectory(prefix="snug-sweep-")
            folder = keep.name
        text = _options("sweep", {**options, "accumulator_bits": _widths(accumulator_bits)})

        def work(observer: Any) -> Any:
            return call("snug_model_sweep", self._handle, text, _handle(samples), _handle(held_out),
                        os.fsencode(folder), observer)

        return Sweep._of(_document(_jobs.follow(work, progress)), Path(folder), keep)

    def export(self, format: str = "qonnx", *, output: Any = None, **options: Any) -> Export:
        summary = ctypes.c_void_p()
        handle = call("snug_model_export", self._handle, _options("export", {**options, "format": format}),
                      None if output is None else os.fsencode(output), ctypes.byref(summary))
        model = Model._adopting(handle)
        raw = _document(summary.value)
        return Export(model, raw["format"], Inspection._of(raw["report"], model._page()), raw)

    def evaluate(self, data: Any, *, progress: Progress = None, **options: Any) -> Evaluation:
        samples = self._samples(data, "data", options)
        text = _options("evaluate", options)

        def work(observer: Any) -> Any:
            return call("snug_model_evaluate", self._handle, text, _handle(samples), observer)

        return Evaluation._of(_document(_jobs.follow(work, progress)))

    def run(self, *inputs: Any, **named: Any) -> Dict[str, np.ndarray]:
        """Runs the model once; see `Session` for many runs."""
        return Session(self).run(*inputs, **named)

    def _page(self) -> str:
        return taken(call("snug_model_page", self._handle)) or ""

    def _samples(self, data: Any, key: str, options: Dict[str, Any]) -> Optional[Samples]:
        """Samples of the caller's; a path is an option like the others."""
        if data is None:
            return None
        if is_path(data):
            options[key] = os.fspath(data)
            return None
        if isinstance(data, Samples):
            return data
        constants = {text.split("=")[0] for text in _texts(options.get("constant"))}
        inputs = [value for value in self.signature().get("inputs", []) if value["name"] not in constants]
        shapes = [value["shape"] for value in inputs]
        return Samples(
            data, {value["name"]: None if value["shape"] is None else len(value["shape"]) for value in inputs},
            opens=all(shape and not isinstance(shape[0], int) for shape in shapes))


class Session:
    """A model that is ready to run any number of times.

    Args:
        model: what `Model` takes.
        options: `shape` (texts such as "image=1x3x224x224") and `batch`, for sizes that the model leaves open.
    """

    def __init__(self, model: Any, **options: Any):
        self._model = model if isinstance(model, Model) else Model(model)
        text = json.dumps({name.replace("_", "-"): value for name, value in options.items()})
        self._handle: Optional[int] = call("snug_session_new", self._model._handle, text.encode())
        self.input_names = self._names("input")
        self.output_names = self._names("output")
        self._room: List[int] = [1 << 16] * len(self.output_names)

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            library.snug_session_free(handle)

    def _names(self, kind: str) -> List[str]:
        count = getattr(library, f"snug_session_{kind}_count")(self._handle)
        return [getattr(library, f"snug_session_{kind}_name")(self._handle, index).decode() for index in range(count)]

    def run(self, *inputs: Any, **named: Any) -> Dict[str, np.ndarray]:
        """Runs the model.

        Args:
            inputs: arrays in the order of the model's inputs, or a dict of arrays by their names.

        Returns:
            the outputs by their names.
        """
        if len(inputs) == 1 and isinstance(inputs[0], Mapping):
            values = {**inputs[0], **named}
        else:
            values = {**dict(zip(self.input_names, inputs)), **named}
            if len(inputs) > len(self.input_names):
                raise UsageError(f"{len(inputs)} arrays are given; the model has {len(self.input_names)} inputs", 64)
        arrays = {name: array(value) for name, value in values.items()}
        feeds = (Tensor * max(len(arrays), 1))()
        for tensor, (name, value) in zip(feeds, arrays.items()):
            fill(tensor, name, value)
        for attempt in range(2):
            buffers = [np.empty(room, np.uint8) for room in self._room]
            places = (Tensor * max(len(buffers), 1))()
            for place, buffer in zip(places, buffers):
                place.data, place.byte_count = buffer.ctypes.data, buffer.nbytes
            try:
                call("snug_session_run", self._handle, feeds, len(arrays), places, len(buffers))
                break
            except UsageError:
                needed = [max(int(place.byte_count), 1) for place in places[:len(buffers)]]
                if attempt or all(need <= room for need, room in zip(needed, self._room)):
                    raise
                self._room = [max(pair) for pair in zip(needed, self._room)]
        return {
            name: np.array(buffer[:place.byte_count].view(dtype(place.element_type)).reshape(
                [place.shape[axis] for axis in range(min(place.rank, MAX_RANK))]))
            for name, place, buffer in zip(self.output_names, places, buffers)
        }


def settings(job: str) -> List[Dict[str, Any]]:
    """The options of a job ("convert", "finetune", "sweep", "verify", "export", "evaluate") with what they do, as the
    library knows them."""
    found = taken(library.snug_settings(job.encode()))
    if found is None:
        raise UsageError(f"there is no job {job!r}", 64)
    return json.loads(found)


def doctor() -> Dict[str, Any]:
    """What the library computes with on this machine, and advice where something is missing."""
    return json.loads(taken(library.snug_doctor()) or "{}")


def _options(job: str, options: Dict[str, Any]) -> bytes:
    """Keyword arguments as the text that the library reads: `accumulator_bits=14` is its option `accumulator-bits`."""
    known = {setting["name"] for setting in settings(job)} | ({"layers"} if job not in ("verify", "export") else set())
    text: Dict[str, Any] = {}
    for name, value in options.items():
        key = name.replace("_", "-")
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0].replace('-', '_')!r}?" if near else ""
            raise TypeError(f"{job} has no option {name!r}{hint}")
        if value is not None:
            text[key] = _plain(value)
    return json.dumps(text, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    """What JSON has for a value."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(key).replace("_", "-"): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value


def _widths(value: Any) -> str:
    """Widths of a sweep: a range, numbers, or the text that the command takes."""
    if isinstance(value, str):
        return value
    return ",".join(str(int(width)) for width in ([value] if isinstance(value, int) else value))


def _texts(value: Any) -> List[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _handle(samples: Optional[Samples]) -> Optional[int]:
    return None if samples is None else samples.handle


def _document(text: Any) -> Any:
    return json.loads(taken(text) or "null")


__all__ = ["Model", "Session", "doctor", "settings"]
