"""Ending well where the process is asked to: after what is at hand, so that state can be saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Stop:
    """Whether the process was asked to end, by SIGTERM or Ctrl-C; only what runs `at_once` is cut short by it."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._cuts = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def __call__(self) -> bool:
        return self.signal is not None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What runs inside may take any time, and ends with KeyboardInterrupt when a signal comes, or has come."""
        self._cuts = True
        try:
            if self.signal is not None:
                raise self.error()
            yield
        finally:
            self._cuts = False

    def error(self, words: str = "") -> KeyboardInterrupt:
        """What to raise for the exit code of the signal; `words` are told behind what happened."""
        from genapps.cli import Terminated

        return Terminated(words) if self.signal == signal.SIGTERM else KeyboardInterrupt(words)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        if self._cuts:
            raise self.error()
