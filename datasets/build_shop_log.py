"""Makes the logs of the demo in domains/genapps_logs/samples: a small shop that never was, on two days.

    .venv/bin/python datasets/build_shop_log.py [FOLDER]

Orders of a few steps each, with a number that names them, and what runs beside them. In the second log (shop.log) five
things go wrong, which `WRONG` lists; the first (normal.log) has none of them. The same bytes every time.
"""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

SAMPLES = Path(__file__).parent.parent / "domains" / "genapps_logs" / "samples"
NORMAL, NEXT = "normal.log", "shop.log"
DAYS = {NORMAL: datetime(2026, 3, 2), NEXT: datetime(2026, 3, 3)}
HOURS = {NORMAL: 7, NEXT: 5}
EVERY = 75.0  # seconds between orders, and
BESIDE = 40.0  # between lines of what runs beside them, on average
WRONG = {
    "missing": "an order is paid and never shipped",
    "value": "a payment takes a minute and a half",
    "burst": "the cache is emptied again and again",
    "silence": "for a while the shop says nothing at all",
    "new": "a disk fails",
}
Line = tuple[float, str]  # seconds after midnight, what follows the stamp


def main(folder: Path) -> None:
    """Write both logs."""
    for seed, name in enumerate(DAYS, 1):
        (folder / name).write_text("\n".join(build(name, seed)) + "\n", "utf-8", newline="")


def build(name: str, seed: int) -> list[str]:
    """The lines of one of the logs, in the order of time."""
    draw, end = random.Random(seed), 3600.0 * HOURS[name]
    lines = [line for seconds in _times(draw, EVERY, end) for line in _order(draw, seconds)]
    lines += [(seconds, _beside(draw)) for seconds in _times(draw, BESIDE, end)]
    lines.sort()
    if name == NEXT:
        lines = _wrong(draw, lines)
    return [f"{(DAYS[name] + timedelta(seconds=seconds)).isoformat(sep=' ')[:19]} {text}" for seconds, text in lines]


def _times(draw: random.Random, every: float, end: float) -> list[float]:
    found, now = [], draw.expovariate(1 / every)
    while now < end:
        found.append(now)
        now += draw.expovariate(1 / every)
    return found


def _order(draw: random.Random, start: float) -> list[Line]:
    number = f"{draw.getrandbits(32):08x}"
    steps = [(0.0, f"order {number} received from 10.0.{draw.randrange(4)}.{draw.randrange(250)}")]
    steps += [(2.0 + k, f"order {number} holds {draw.randint(1, 9)} of article {draw.randint(1000, 9999)}")
              for k in range(draw.choice((1, 1, 2)))]  # fmt: skip
    steps.append((5.0, f"order {number} paid in {draw.randint(200, 900)} ms"))
    steps.append((draw.uniform(7, 20), f"order {number} packed by {draw.choice(('anna', 'ben', 'chloe'))}"))
    steps.append((draw.uniform(22, 40), f"order {number} shipped"))
    return [(start + after, f"INFO shop: {text}") for after, text in steps]


def _beside(draw: random.Random) -> str:
    table = draw.choice(("orders", "customers", "articles"))
    return draw.choice((
        f"INFO cache: {draw.randint(20, 99)} hits, {draw.randint(2, 40)} misses",
        f"INFO db: checkpoint complete, {draw.randint(100, 900)} buffers written",
        f"INFO db: vacuum of table {table} removed {draw.randint(10, 90)} rows",
    ))  # fmt: skip


def _wrong(draw: random.Random, lines: list[Line]) -> list[Line]:
    """The same log with what `WRONG` lists put in, some at each full hour."""
    unshipped = next(text.split()[3] for seconds, text in lines if seconds > 3600 and text.endswith("shipped"))
    slow = next(place for place, line in enumerate(lines) if line[0] > 7200 and "paid" in line[1])
    lines[slow] = lines[slow][0], lines[slow][1].rpartition(" paid")[0] + " paid in 90412 ms"
    lines = [line for line in lines if unshipped not in line[1] or not line[1].endswith("shipped")]
    lines += [(10_800 + 2.0 * k, f"INFO cache: {draw.randint(20, 99)} hits, {draw.randint(2, 40)} misses")
              for k in range(40)]  # fmt: skip
    late = {text.split()[3] for seconds, text in lines if 14_340 < seconds < 15_600 and "shop:" in text}
    lines = [(seconds, text) for seconds, text in lines if not (14_400 < seconds < 15_600 or text.split()[3] in late)]
    lines.append((16_500.0, "ERROR kernel: md/raid1: disk failure on sdb1, disabling device"))
    return sorted(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
