"""Samples in the forms that people have them in, as batches of arrays."""
import ctypes
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np

from ._library import (MAX_RANK, SEPARATE, STACKED, Batch, BatchSource, Cancelled, Tensor, UsageError, call,
                       library)

# The numbers of ONNX's element types.
_codes = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9,
          "float16": 10, "float64": 11, "uint32": 12, "uint64": 13}
_types = {code: np.dtype(name) for name, code in _codes.items()}

Arrays = Dict[str, np.ndarray]
# Inputs by name (the name of an only one may be empty), and labels or targets.
Item = Tuple[Arrays, Optional[np.ndarray]]


def array(value: Any) -> np.ndarray:
    """An array of a NumPy array, a PyTorch tensor, or anything that NumPy can read."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    found = np.asarray(value)
    if found.dtype.name not in _codes:
        raise UsageError(f"samples of type {found.dtype} can't be used; give numbers that ONNX has", 64)
    return np.ascontiguousarray(found).reshape(found.shape)


def fill(tensor: Tensor, name: Optional[str], values: np.ndarray) -> None:
    """Describes an array, which has to stay as long as the description is used."""
    if values.ndim > MAX_RANK:
        raise UsageError(f"an array has {values.ndim} dimensions; allowed: {MAX_RANK}", 64)
    tensor.name = name.encode() if name else None
    tensor.element_type = _codes[values.dtype.name]
    tensor.rank = values.ndim
    for axis, size in enumerate(values.shape):
        tensor.shape[axis] = size
    tensor.data = values.ctypes.data
    tensor.byte_count = values.nbytes


def dtype(code: int) -> np.dtype:
    """The NumPy type of an ONNX element type."""
    if code not in _types:
        raise UsageError(f"NumPy has no type for ONNX's element type {code}", 64)
    return _types[code]


class Samples:
    """Samples that the library has read; they are used by any number of jobs, and removed with this object."""

    def __init__(self, data: Any, ranks: Dict[str, Optional[int]], opens: bool):
        """
        Args:
            data: any form that `convert` takes, but a path.
            ranks: the rank of each of the model's inputs, where it is known.
            opens: whether the first dimension of every input is open, so that samples can be stacked.
        """
        items, form = _items(data, ranks, opens)
        self._handle = _read(items, form)

    @property
    def handle(self) -> int:
        return self._handle

    def __len__(self) -> int:
        return int(library.snug_samples_count(self._handle))

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            library.snug_samples_free(handle)


def is_path(data: Any) -> bool:
    return isinstance(data, (str, os.PathLike))


def _items(data: Any, ranks: Dict[str, Optional[int]], opens: bool) -> Tuple[Iterator[Item], int]:
    if _is_array(data):
        return iter([({"": array(data)}, None)]), STACKED
    if isinstance(data, dict):
        return iter([_named(data)]), STACKED
    if isinstance(data, tuple) and len(data) == 2 and _is_array(data[0]) and _is_array(data[1]):
        return iter([({"": array(data[0])}, array(data[1]))]), STACKED
    if isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], dict):
        inputs, reference = _named(data[0])
        return iter([(inputs, array(data[1]) if reference is None else reference)]), STACKED
    source: Iterable[Any] = _rewound(data) if hasattr(data, "get_next") else data
    try:
        rest = iter(source)
    except TypeError:
        raise UsageError(
            "data is neither an array, nor a dict of arrays, nor (inputs, labels), nor an iterable of such, nor a path: "
            f"{type(data).__name__}", 64) from None
    batches = (_item(item, ranks) for item in rest)
    try:
        first = next(batches)
    except StopIteration:
        raise UsageError("data is an iterable without samples", 64) from None
    if set(first[0]) == {""}:
        return _chained(first, batches), STACKED
    # Models of several inputs are often such of sequences, whose samples differ in length: all have to be seen.
    found = [first, *batches]
    shapes = {tuple(sorted((name, values.shape[1:]) for name, values in inputs.items())) for inputs, _ in found}
    return iter(found), STACKED if len(shapes) == 1 and opens else SEPARATE


def _rewound(reader: Any) -> Iterator[Any]:
    """The samples of a CalibrationDataReader of onnxruntime, from the first on where it can be rewound."""
    if hasattr(reader, "rewind"):
        try:
            reader.rewind()
        except NotImplementedError:
            pass
    while True:
        item = reader.get_next()
        if item is None:
            return
        yield item


def _chained(first: Item, rest: Iterable[Item]) -> Iterator[Item]:
    yield first
    yield from rest


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or hasattr(value, "detach") or hasattr(value, "__array__")


def _item(item: Any, ranks: Dict[str, Optional[int]]) -> Item:
    reference = None
    if isinstance(item, (tuple, list)):
        if len(item) == 2:
            item, reference = item[0], array(item[1])
        elif len(item) == 1:
            item = item[0]
        else:
            raise UsageError(f"a sample has {len(item)} parts; give inputs, or inputs and labels", 64)
    if isinstance(item, dict):
        inputs, named = _named(item)
        reference = named if named is not None else reference
    else:
        inputs = {"": array(item)}
        known = next(iter(ranks.values()), None) if len(ranks) == 1 else None
        if known is not None and inputs[""].ndim == known - 1:
            # A sample without a dimension that counts samples.
            inputs[""] = inputs[""][np.newaxis]
            if reference is not None:
                reference = reference[np.newaxis]
    if reference is not None and reference.ndim == 0:
        reference = reference[np.newaxis]
    return inputs, reference


def _named(values: Dict[str, Any]) -> Item:
    inputs = {str(name): array(value) for name, value in values.items()}
    reference = inputs.pop("y", None) if len(inputs) > 1 else None
    return inputs, reference


def _read(items: Iterator[Item], form: int) -> int:
    failure: List[BaseException] = []
    alive: List[Any] = []

    def give(_: Any, place: Any) -> int:
        try:
            found = next(items, None)
            if found is None:
                return 0
            inputs, reference = found
            tensors = (Tensor * len(inputs))()
            for tensor, (name, values) in zip(tensors, inputs.items()):
                fill(tensor, name, values)
            # The library reads them after this function has returned.
            alive[:] = [tensors, found]
            batch: Batch = place.contents
            batch.inputs, batch.input_count = tensors, len(inputs)
            if reference is not None:
                labels = Tensor()
                fill(labels, None, reference)
                alive.append(labels)
                batch.reference = ctypes.pointer(labels)
            return 1
        except BaseException as error:  # what a source raises reaches the caller
            failure.append(error)
            return -1

    try:
        return int(call("snug_samples_read", BatchSource(give), None, form))
    except Cancelled:
        if failure:
            raise failure[0] from None
        raise


Callback = Callable[[str, int, int, str], Any]
