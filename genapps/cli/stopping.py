"""Ending well where the process is asked to: after what is at hand, so that state can be saved."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class Stop:
    """Whether the process was asked to end, by SIGTERM or Ctrl-C; until then nothing is cut short."""

    def __init__(self) -> None:
        self.signal: int | None = None
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

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
