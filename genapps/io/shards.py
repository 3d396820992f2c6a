"""Large outputs as shards: each a pure function of (model, shard, seed), so the number of workers never shows."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import numpy as np

from genapps.errors import GenappsError, UsageError

SHARD_ROWS = 65_536
LOOK_AHEAD = 2  # finished or running shards a worker may be ahead of the writer
_SENT = 2.0  # seconds that a worker which is told to end may take to hand over a result

Result = TypeVar("Result")
Work = Callable[[int, int], Result]


def shard_counts(rows: int, shard_rows: int = SHARD_ROWS) -> list[int]:
    """How many rows each shard makes; all but the last are full."""
    full, rest = divmod(rows, shard_rows)
    return [shard_rows] * full + [rest] * (rest > 0)


def shard_seeds(seed: int, shard: int) -> np.random.SeedSequence:
    """The randomness of one shard, independent of every other shard's and of who computes it."""
    return np.random.SeedSequence([seed, shard])


def map_shards(
    factory: Callable[..., Work[Result]], args: Sequence[Any], counts: Sequence[int], workers: int = 1
) -> Iterator[Result]:
    """Yield `factory(*args)(shard, counts[shard])` for every shard, in order.

    With more than one worker, `factory` (importable by name) runs once in each freshly started process, which is also
    where to limit threads; at most LOOK_AHEAD results a worker are held. Leaving early stops the processes.
    Raises UsageError for fewer than one worker, what the work raises, GenappsError when a process dies.
    """
    if workers < 1:
        raise UsageError(f"--workers {workers}: at least one worker is needed")
    workers = min(workers, len(counts))
    if workers <= 1:
        work = factory(*args)
        for shard, rows in enumerate(counts):
            yield work(shard, rows)
        return
    yield from in_processes(factory, args, enumerate(counts), workers)


def in_processes(
    factory: Callable[..., Callable[..., Result]], args: Sequence[Any], items: Iterable[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """Yield `factory(*args)(*item)` for every item, in order, by that many processes: as `map_shards` does.

    Items are taken as workers become free, so that a stream of them is never held whole.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(factory, tuple(args)))
    pending: deque[Future[Result]] = deque()
    finished = False
    try:
        for item in items:
            if len(pending) == LOOK_AHEAD * workers:
                yield pending.popleft().result()
            pending.append(pool.submit(_run, *item))
        while pending:
            yield pending.popleft().result()
        finished = True
    except BrokenProcessPool as error:
        raise GenappsError(
            "a worker process died (out of memory, or killed); use fewer --workers"
            " (a script that calls this needs: if __name__ == '__main__')"
        ) from error
    finally:
        if not finished:
            # The pool joins them itself: two who wait for one process confuse each other.
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


# What a worker process holds: the factory until the first shard, its work from then on.
_worker: dict[str, Any] = {}


def _prepare(factory: Callable[..., Callable[..., Any]], args: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends the workers
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _worker.update(factory=factory, args=args)


def _run(*item: Any) -> Any:
    # Built here rather than in the initializer, whose errors a pool would hide.
    if _worker.get("ending"):
        os._exit(1)
    _worker["busy"] = True
    try:
        if "work" not in _worker:
            _worker["work"] = _worker["factory"](*_worker["args"])
        return _worker["work"](*item)
    finally:
        _worker["busy"] = False


def _end(*_: object) -> None:
    """End at once while at work; else when a result, of which the parent may have read a part, has been handed over:
    it would wait for the rest for ever, as it holds the pipe's other end open, too."""
    if _worker.get("busy"):
        os._exit(1)
    _worker["ending"] = True
    timer = threading.Timer(_SENT, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _follow_parent() -> None:
    """End with the parent even when it is killed, which closes no pipe between them."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
