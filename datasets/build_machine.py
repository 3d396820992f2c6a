"""Makes the demo series domains/genapps_timeseries/samples/machine.csv: four weeks of a cooling pump that never was.

    .venv/bin/python datasets/build_machine.py [FILE]

A row every ten minutes: temperature (°C), pressure (bar), vibration (mm/s) and whether the pump runs; the column label
says where something was made to go wrong. The first week is sound. Then come, one each: a spike of pressure, a
temperature that stays high, a row of worn bearings, an hour without rows, and a pressure sensor that is stuck. One row
is out of order, one there twice, some cells are empty. The same bytes every time.
"""

from __future__ import annotations

import math
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

SEED = 8
START = datetime(2026, 2, 23)
HOUR = 6  # rows
DAY = 24 * HOUR
DAYS = 28
SAMPLE = Path(__file__).parent.parent / "domains" / "genapps_timeseries" / "samples" / "machine.csv"

# What goes wrong: name -> rows from, to (the last one not part of it).
SPIKE = (9 * DAY + 14 * HOUR, 9 * DAY + 14 * HOUR + 2)
HOT = (13 * DAY + 9 * HOUR, 13 * DAY + 17 * HOUR)
WORN = (17 * DAY + 6 * HOUR, 17 * DAY + 18 * HOUR)
SILENT = (21 * DAY + 3 * HOUR, 21 * DAY + 4 * HOUR)
STUCK = (24 * DAY + 8 * HOUR, 24 * DAY + 15 * HOUR)


def main(target: Path) -> None:
    """Write the series."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(["time,temperature,pressure,vibration,running,label", *build()]) + "\n", newline="")


def build() -> list[str]:
    """The rows as text."""
    draw = random.Random(SEED)
    made, warmth, stuck = [], 0.0, 0.0
    for row in range(DAYS * DAY):
        load = load_of(row, draw)
        running = load > 0.15
        warmth = 0.9 * warmth + draw.gauss(0, 0.12)
        temperature = 38 + 14 * load + 2.5 * math.sin(2 * math.pi * (row - 9 * HOUR) / DAY) + warmth
        pressure = (2.1 + 1.6 * load if running else 0.9) + draw.gauss(0, 0.03)
        vibration = (0.8 + 0.9 * load if running else 0.1) + abs(draw.gauss(0, 0.06))
        if within(row, SPIKE):
            pressure += 1.4
        if within(row, HOT):
            temperature += 6.0
        if within(row, WORN):
            vibration += 0.9 * abs(math.sin(row)) + 0.3
        if within(row, STUCK):
            pressure = stuck
        stuck = pressure
        if within(row, SILENT):
            continue
        cells = [f"{temperature:.2f}", f"{pressure:.3f}", f"{vibration:.3f}"]
        cells = ["" if draw.random() < 0.001 else cell for cell in cells]
        label = any(within(row, part) for part in (SPIKE, HOT, WORN, STUCK))
        stamp = f"{START + timedelta(minutes=10 * row):%Y-%m-%d %H:%M}"
        made.append(",".join([stamp, *cells, "on" if running else "off", str(int(label))]))
    made[700], made[701] = made[701], made[700]
    made.insert(900, made[900])
    return made


def load_of(row: int, draw: random.Random) -> float:
    """How hard the pump works: by day, little at the weekend, off for the night."""
    hour, weekday = (row % DAY) / HOUR, (row // DAY) % 7
    if not 5 <= hour < 22:
        return 0.0
    height = 0.35 if weekday >= 5 else 1.0
    return height * (0.3 + 0.7 * math.sin(math.pi * (hour - 5) / 17) ** 2) + draw.gauss(0, 0.015)


def within(row: int, part: tuple[int, int]) -> bool:
    """Whether a row lies in a part."""
    return part[0] <= row < part[1]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE)
