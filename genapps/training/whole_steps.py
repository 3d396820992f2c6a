"""A step of training is done whole where a signal asks the process to end, so that what it came to can be kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def whole_step(wanted: bool = True) -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until what runs inside is done; the second one is obeyed at once.

    Nothing is held back where it is not wanted, and outside of the main thread, where signals cannot be had.
    """
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            back()
            signal.raise_signal(number)

    before = {number: signal.signal(number, note) for number in _HELD}
    try:
        yield
    finally:
        back()
    if came:
        signal.raise_signal(came[0])
