"""A made log of a service whose requests take several steps each, so that a test can leave one out or put one in."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

Steps = list[tuple[float, str]]  # seconds after the request came, and what is logged
START = datetime(2026, 3, 2)


def usual(draw: random.Random) -> Steps:
    """The steps of a normal request."""
    steps = [(0.0, f"received GET /items/{draw.randrange(10**6)} from 10.0.{draw.randrange(9)}.{draw.randrange(250)}")]
    steps.append((0.1, f"authenticated user {draw.choice(['ann', 'bob', 'cem', 'dan', 'eva', 'fay'])}"))
    steps += [(0.2 + k / 10, f"query took {draw.randint(3, 120)} ms") for k in range(draw.choice([1, 1, 2, 3]))]
    steps.append((0.6, f"rendered page of {draw.randint(800, 9000)} bytes"))
    steps.append((0.7, f"answered with status {draw.choice([200] * 17 + [304, 404, 302])}"))
    return steps


def write_requests(
    path: Path,
    count: int,
    seed: int = 0,
    change: Callable[[int, Steps], Steps] = lambda number, steps: steps,
    every: float = 10.0,
) -> list[str]:
    """Write a log of `count` requests, one in `every` seconds on average; `change` may alter the steps of one.

    Returns the lines as they stand in the file.
    """
    draw = random.Random(seed)
    events, now = [], 0.0
    for number in range(count):
        now += draw.expovariate(1 / every)
        request = f"{draw.getrandbits(64):016x}"
        events += [(now + after, request, text) for after, text in change(number, usual(draw))]
    events.sort(key=lambda event: event[0])
    lines = []
    for seconds, request, text in events:
        stamp = (START + timedelta(seconds=seconds)).isoformat(sep=" ", timespec="milliseconds").replace(".", ",")
        lines.append(f"{stamp} INFO [worker-{int(request, 16) % 4}] shop.web: req {request} {text}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return lines


@pytest.fixture(scope="session")
def requests() -> Callable[..., list[str]]:
    """The function that writes such a log."""
    return write_requests
