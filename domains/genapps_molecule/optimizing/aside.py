"""Where the output of a stranger's code goes, so that stdout holds the result alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

_STDOUT, _STDERR = 1, 2  # file descriptors, which the programs that a function starts inherit


@contextmanager
def aside() -> Iterator[None]:
    """Meanwhile stdout is stderr, also for other programs that are started."""
    try:
        kept = os.dup(_STDOUT)
    except OSError:  # closed, as in a service
        with redirect_stdout(sys.stderr):
            yield
        return
    with suppress(OSError):
        os.dup2(_STDERR, _STDOUT)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, _STDOUT)
        os.close(kept)
