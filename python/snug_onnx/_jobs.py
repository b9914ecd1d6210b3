"""Jobs of the library, followed from the thread that asked for them."""
import ctypes
import logging
import queue
import threading
from typing import Any, Callable, List, Optional, Union

from ._library import Cancelled, IsCancelled, Message, Observer, Progress

log = logging.getLogger("snug_onnx")

# Called with the stage ("calibrating"), how much of it is done, how much there is, and what is counted ("samples").
ProgressCallback = Callable[[str, int, int, str], Any]


def follow(job: Callable[[Any], Any], progress: Union[bool, ProgressCallback, None]) -> Any:
    """Runs a job on a thread of its own, and what it tells on this one.

    Args:
        job: called with the observer.
        progress: a callback, whose errors stop the job; True for a bar of tqdm, where that is installed.
    """
    show = _Bar() if progress is True else progress or None
    stop = threading.Event()
    told: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
    latest: List[Any] = [None]
    result: List[Any] = []
    failure: List[BaseException] = []

    def on_progress(_: Any, activity: bytes, completed: int, total: int, unit: bytes) -> None:
        latest[0] = (activity.decode(), completed, total, unit.decode())

    def on_message(_: Any, text: bytes) -> None:
        told.put(text.decode("utf-8", "replace"))

    # The observer holds no references to these.
    functions = (Progress(on_progress), Message(on_message), IsCancelled(lambda _: int(stop.is_set())))
    observer = Observer(None, *functions)

    def work() -> None:
        try:
            result.append(job(ctypes.byref(observer)))
        except BaseException as error:
            failure.append(error)

    done = _Worker.start(work)
    raised: Optional[BaseException] = None
    shown: Any = None
    while True:
        # Ctrl-C, and what a callback raises, stop the job; it ends before the error goes on.
        try:
            done.wait(0.05)
            while not told.empty():
                log.warning("%s", told.get())
            if show is not None and latest[0] is not None and latest[0] is not shown and raised is None:
                shown = latest[0]
                log.debug("%s: %d of %d %s", *shown)
                show(*shown)
        except BaseException as error:
            raised = raised or error
            stop.set()
            continue
        if done.is_set() and told.empty():
            break
    if isinstance(show, _Bar):
        show.close()
    if raised is not None:
        raise raised
    if failure:
        raise failure[0]
    return result[0]


class _Worker:
    """A thread that does one job after another, and never ends: one that ended while the process does would take its
    leave of libraries that take theirs."""

    _idle: "List[_Worker]" = []
    _lock = threading.Lock()

    def __init__(self) -> None:
        self._jobs: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="snug", daemon=True).start()

    @classmethod
    def start(cls, work: Callable[[], None]) -> threading.Event:
        """Has a job done, which raises nothing; the event says when it is."""
        with cls._lock:
            worker = cls._idle.pop() if cls._idle else cls()
        done = threading.Event()
        worker._jobs.put((work, done))
        return done

    def _serve(self) -> None:
        while True:
            work, done = self._jobs.get()
            work()
            del work
            with self._lock:
                self._idle.append(self)
            done.set()


class _Bar:
    """A bar of tqdm for each stage; nothing where tqdm is absent."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            tqdm = None
        self._tqdm: Any = tqdm
        self._bar: Any = None
        self._activity: Optional[str] = None

    def __call__(self, activity: str, completed: int, total: int, unit: str) -> None:
        if self._tqdm is None:
            return
        if activity != self._activity or self._bar is None or completed < self._bar.n:
            self.close()
            self._bar = self._tqdm(total=total, desc=activity, unit=" " + unit, leave=False)
            self._activity = activity
        self._bar.total = total
        self._bar.update(completed - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


__all__ = ["Cancelled", "ProgressCallback", "follow", "log"]
