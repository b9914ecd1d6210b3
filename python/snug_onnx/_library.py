"""The functions of libsnug, as snug.h declares them."""
import ctypes
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_int32, c_int64, c_size_t, c_void_p)
from pathlib import Path
from typing import Any, Optional

MAX_RANK = 16


class Tensor(Structure):
    """`snug_tensor`"""
    _fields_ = [("name", c_char_p), ("element_type", c_int32), ("rank", c_int32),
                ("shape", c_int64 * MAX_RANK), ("data", c_void_p), ("byte_count", c_size_t)]


class Batch(Structure):
    """`snug_batch`"""
    _fields_ = [("inputs", POINTER(Tensor)), ("input_count", c_size_t), ("reference", POINTER(Tensor))]


BatchSource = CFUNCTYPE(c_int32, c_void_p, POINTER(Batch))
Progress = CFUNCTYPE(None, c_void_p, c_char_p, c_int64, c_int64, c_char_p)
Message = CFUNCTYPE(None, c_void_p, c_char_p)
IsCancelled = CFUNCTYPE(c_int32, c_void_p)


class Observer(Structure):
    """`snug_observer`"""
    _fields_ = [("context", c_void_p), ("progress", Progress), ("message", Message),
                ("is_cancelled", IsCancelled)]


STACKED, SEPARATE = 0, 1

# Results, then arguments; the place for an error is added where a function takes one. Texts that the caller frees are
# void pointers here, since ctypes makes of a char pointer a text and forgets where it lay.
_errors = "error"
_functions = {
    "snug_version": (c_char_p, []),
    "snug_free": (None, [c_void_p]),
    "snug_set_threads": (None, [c_int32]),
    "snug_settings": (c_void_p, [c_char_p]),
    "snug_doctor": (c_void_p, []),
    "snug_error_code": (c_int32, [c_void_p]),
    "snug_error_line": (c_char_p, [c_void_p]),
    "snug_error_message": (c_char_p, [c_void_p]),
    "snug_error_file": (c_char_p, [c_void_p]),
    "snug_error_node": (c_char_p, [c_void_p]),
    "snug_error_hint": (c_char_p, [c_void_p]),
    "snug_error_free": (None, [c_void_p]),
    "snug_samples_read": (c_void_p, [BatchSource, c_void_p, c_int32, _errors]),
    "snug_samples_count": (c_size_t, [c_void_p]),
    "snug_samples_free": (None, [c_void_p]),
    "snug_model_open": (c_void_p, [c_char_p, _errors]),
    "snug_model_from_memory": (c_void_p, [c_char_p, c_size_t, c_char_p, _errors]),
    "snug_model_path": (c_char_p, [c_void_p]),
    "snug_model_bytes": (c_void_p, [c_void_p, POINTER(c_size_t), _errors]),
    "snug_model_save": (c_int32, [c_void_p, c_char_p, _errors]),
    "snug_model_free": (None, [c_void_p]),
    "snug_model_signature": (c_void_p, [c_void_p, _errors]),
    "snug_model_inspect": (c_void_p, [c_void_p, _errors]),
    "snug_model_page": (c_void_p, [c_void_p, _errors]),
    "snug_model_verify": (c_void_p, [c_void_p, c_char_p, _errors]),
    "snug_model_certificate": (c_void_p, [c_void_p, c_char_p, _errors]),
    "snug_model_convert": (c_void_p, [c_void_p, c_char_p, c_void_p, c_void_p, c_char_p,
                                      POINTER(Observer), POINTER(c_void_p), _errors]),
    "snug_model_finetune": (c_void_p, [c_void_p, c_char_p, c_void_p, c_void_p, c_char_p,
                                       POINTER(Observer), POINTER(c_void_p), _errors]),
    "snug_model_sweep": (c_void_p, [c_void_p, c_char_p, c_void_p, c_void_p, c_char_p,
                                    POINTER(Observer), _errors]),
    "snug_model_export": (c_void_p, [c_void_p, c_char_p, c_char_p, POINTER(c_void_p), _errors]),
    "snug_model_evaluate": (c_void_p, [c_void_p, c_char_p, c_void_p, POINTER(Observer), _errors]),
    "snug_session_new": (c_void_p, [c_void_p, c_char_p, _errors]),
    "snug_session_input_count": (c_size_t, [c_void_p]),
    "snug_session_output_count": (c_size_t, [c_void_p]),
    "snug_session_input_name": (c_char_p, [c_void_p, c_size_t]),
    "snug_session_output_name": (c_char_p, [c_void_p, c_size_t]),
    "snug_session_run": (c_int32, [c_void_p, POINTER(Tensor), c_size_t, POINTER(Tensor), c_size_t, _errors]),
    "snug_session_free": (None, [c_void_p]),
    "snug_main": (c_int32, [c_int32, POINTER(c_char_p)]),
}


class SnugError(Exception):
    """Why a job can't be done.

    Attributes:
        code: the exit status that the command has for it.
        message: what is wrong, in one clause.
        file: the file that it concerns, or None.
        node: the node, tensor, field or option that it concerns, or None.
        hint: what to do about it, or None.
    """

    def __init__(self, line: str, code: int = 2, message: str = "", file: Optional[str] = None,
                 node: Optional[str] = None, hint: Optional[str] = None):
        super().__init__(line)
        self.code, self.message, self.file, self.node, self.hint = code, message or line, file, node, hint


class InputError(SnugError):
    """A model, data or an option that can't be used."""


class OutputError(SnugError):
    """An output that couldn't be written; what was at its path is untouched."""


class UsageError(SnugError, ValueError):
    """Options or arguments that a job can't work with."""


class Cancelled(SnugError):
    """A job that was stopped."""


_kinds = {2: InputError, 3: OutputError, 64: UsageError, 130: Cancelled}


def _path() -> str:
    given = os.environ.get("SNUG_LIBRARY")
    if given:
        return given
    found = sorted((Path(__file__).parent / "lib").glob("libsnug.so.*"))
    if not found:
        raise ImportError(
            "snug_onnx has no library in its folder 'lib': install the wheel for this platform, or set SNUG_LIBRARY "
            "to the path of libsnug.so")
    return str(found[0])


def _load() -> ctypes.CDLL:
    # libgomp reads this when it is loaded: threads that wait for microseconds rather than milliseconds leave the cores to
    # others, such as those of PyTorch.
    name = "GOMP_SPINCOUNT"
    is_set = name in os.environ or "OMP_WAIT_POLICY" in os.environ
    if not is_set:
        os.environ[name] = "1000"
    try:
        library = ctypes.CDLL(_path())
    finally:
        if not is_set:
            del os.environ[name]
    for function, (result, arguments) in _functions.items():
        entry = getattr(library, function)
        entry.restype = result
        entry.argtypes = [POINTER(c_void_p) if a is _errors else a for a in arguments]
    return library


library = _load()


def call(name: str, *arguments: Any) -> Any:
    """Calls a function that takes a place for an error, and raises what it puts there."""
    place = c_void_p()
    result = getattr(library, name)(*arguments, ctypes.byref(place))
    if not place.value:
        return result

    def text(part: str) -> Optional[str]:
        found = getattr(library, "snug_error_" + part)(place)
        return None if found is None else found.decode("utf-8", "replace")

    code = library.snug_error_code(place)
    error = _kinds.get(code, SnugError)(text("line") or "", code, text("message") or "", text("file"),
                                        text("node"), text("hint"))
    library.snug_error_free(place)
    raise error


def taken(pointer: Optional[int]) -> Optional[str]:
    """A text that the library gave, which is freed."""
    if not pointer:
        return None
    try:
        return ctypes.string_at(pointer).decode("utf-8", "replace")
    finally:
        library.snug_free(pointer)
