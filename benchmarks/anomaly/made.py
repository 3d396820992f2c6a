"""Made series with labelled anomalies, a family for each kind of benchmark series whose values are not at hand.

Each family follows how its benchmark is described: length, share of anomalies, their length, and what they look like.
They are for making choices; what is stated comes from other series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from series import Labelled

Floats = NDArray[np.float64]
Marks = NDArray[np.int64]
Made = tuple[Floats, Marks, int]  # values, labels, rows declared normal


def families() -> dict[str, Callable[[np.random.Generator], Made]]:
    """Name -> what makes one series."""
    return {
        "points": points,
        "web": web,
        "kpi": kpi,
        "servers": servers,
        "loads": loads,
        "worn": worn,
        "stuck": stuck,
        "beats": beats,
        "rare": rare,
        "patterns": patterns,
        "prices": prices,
        "short": short,
        "chaos": chaos,
        "chips": chips,
    }


def made(seeds: int = 3, only: str = "") -> Iterator[Labelled]:
    """`seeds` series of each family, or of one."""
    for name, make in families().items():
        for seed in range(seeds if not only or name == only else 0):
            values, labels, train = make(np.random.default_rng([seed, *name.encode()]))
            yield Labelled(f"{name}_{seed}", values, labels, train)


def _noise(draws: np.random.Generator, count: int, memory: float = 0.0) -> Floats:
    """Noise of deviation 1 that remembers its last value by this share."""
    fresh = draws.standard_normal(count) * np.sqrt(1 - memory**2)
    out, last = np.empty(count), draws.standard_normal()
    for row, step in enumerate(fresh.tolist()):
        last = memory * last + step
        out[row] = last
    return out


def _places(draws: np.random.Generator, first: int, stop: int, count: int, length: int) -> list[int]:
    """Starts of `count` stretches of this length in first..stop - 1, which do not meet."""
    cells = np.linspace(first, stop - length, count + 1)
    return [int(draws.uniform(low, max(low + 1, high - length))) for low, high in pairwise(cells)]


def _season(count: int, period: float, draws: np.random.Generator, waves: int = 3) -> Floats:
    phase = 2 * np.pi * np.arange(count) / period
    parts = [draws.normal() / k * np.sin(k * phase + draws.uniform(0, 6.28)) for k in range(1, waves + 1)]
    out: Floats = np.sum(parts, axis=0)
    return out / (out.std() + 1e-9)


def points(draws: np.random.Generator) -> Made:
    """Seasons with a trend and single outliers, some of them within the range of the series (Yahoo S5, A2 to A4)."""
    count, train = 1420, 500
    values = 100 * (2 * _season(count, 24, draws, 2) + _season(count, 168, draws, 2))
    values += draws.normal(0, 0.3) * np.arange(count) + 100 * draws.uniform(0.1, 0.4) * draws.standard_normal(count)
    if draws.random() < 0.4:  # a change of slope, not labelled
        turn = int(draws.uniform(600, 1200))
        values[turn:] += draws.normal(0, 1.5) * np.arange(count - turn)
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 50, count - 20, int(draws.integers(1, 4)), 1):
        values[place] += draws.choice([-1, 1]) * 100 * draws.uniform(2.0, 5.0)
        labels[place] = 1
    return values, labels, train


def web(draws: np.random.Generator) -> Made:
    """Traffic of a site by the hour: heavy-tailed, daily, with spikes of one to a few rows (Yahoo S5, A1)."""
    count, train = 1430, 500
    base = np.exp(0.5 * _season(count, 24, draws, 2) + 0.2 * _noise(draws, count, 0.7))
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 30, count - 20, int(draws.integers(1, 4)), 6):
        length = int(draws.choice([1, 1, 1, 2, 5]))
        base[place : place + length] *= draws.uniform(3, 8) if draws.random() < 0.7 else 0.02
        labels[place : place + length] = 1
    return base * 1000, labels, train


def kpi(draws: np.random.Generator) -> Made:
    """A web KPI: daily season, bursts that are normal, short dips, spikes and shifts that are not (IOPS, WSD)."""
    count, train, day = 9000, 2000, int(draws.choice([288, 720]))
    values = (
        3 * _season(count, day, draws, 4) * (1 + 0.1 * _noise(draws, count, 0.999)) + _noise(draws, count, 0.5) * 0.3
    )
    if draws.random() < 0.5:
        values = np.exp(0.4 * values)
    scale = np.abs(np.diff(values)).std() * 3
    for place in draws.integers(0, count, 25):  # normal glitches
        values[place] += draws.normal() * scale
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 300, count - 100, int(draws.integers(3, 8)), 60):
        length, kind = int(draws.integers(3, 40)), draws.integers(3)
        span = slice(place, place + length)
        if kind == 0:
            values[span] += scale * draws.uniform(3, 8) * draws.choice([-1, 1])
        elif kind == 1:
            values[span] += scale * draws.uniform(4, 9) * np.hanning(length + 2)[1:-1] * draws.choice([-1, 1])
        else:
            values[span] += scale * draws.uniform(1.5, 4) * draws.standard_normal(length)
        labels[span] = 1
    return values, labels, train


def servers(draws: np.random.Generator) -> Made:
    """A machine's load: a base with cycles and jobs, and one stretch out of its range or its habits (SMD)."""
    count, train = 9000, 2250
    values = 0.15 * np.maximum(_season(count, 1440, draws, 2), -1) + 0.05 * np.abs(_noise(draws, count, 0.8))
    for place in range(int(draws.integers(50, 200)), count, int(draws.integers(150, 400))):  # jobs
        values[place : place + 12] += draws.uniform(0.2, 0.4)
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 500, count - 200, int(draws.integers(1, 4)), 400):
        length = int(draws.integers(60, 300))
        span = slice(place, place + length)
        shape = draws.integers(3)
        size = draws.uniform(0.3, 1.0)
        bump = np.ones(length) if shape == 0 else np.hanning(length) if shape == 1 else np.linspace(0, 1, length)
        values[span] += size * bump + 0.1 * size * draws.standard_normal(length)
        labels[span] = 1
    return values, labels, train


def loads(draws: np.random.Generator) -> Made:
    """A metric of a cluster with levels of work and long stretches far beyond them (Exathlon)."""
    count, train = 10000, 2500
    values = np.empty(count)
    row = 0
    levels = draws.uniform(0, 1, 4)
    while row < count:
        length = int(draws.integers(100, 500))
        values[row : row + length] = draws.choice(levels)
        row += length
    values += 0.1 * _noise(draws, count, 0.6) + 0.2 * (draws.random(count) < 0.01)
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 200, count - 100, 3, 600):
        length = int(draws.integers(200, 600))
        span = slice(place, place + length)
        values[span] += draws.uniform(1.2, 4) * (1 + 0.2 * _noise(draws, length, 0.9))
        labels[span] = 1
    return values, labels, train


def worn(draws: np.random.Generator) -> Made:
    """A sensor worn on the body: quiet and lively stretches, and one at an extreme or very lively (OPPORTUNITY)."""
    count, train = 9000, 2000
    lively = np.repeat(np.exp(0.5 * draws.standard_normal(count // 100 + 1)), 100)[:count]
    values = 300 * np.repeat(draws.normal(0, 0.5, count // 300 + 1), 300)[:count] + 100 * lively * _noise(
        draws, count, 0.9
    )
    labels = np.zeros(count, np.int64)
    place, length = int(draws.integers(train + 300, count - 700)), int(draws.integers(200, 600))
    span = slice(place, place + length)
    if draws.random() < 0.5:
        values[span] = draws.choice([-1, 1]) * draws.uniform(900, 2000) + 20 * draws.standard_normal(length)
    else:
        values[span] += 900 * _noise(draws, length, 0.8)
    labels[span] = 1
    return values, labels, train


def stuck(draws: np.random.Generator) -> Made:
    """The same with a short part for training, and a sensor that sticks for long at an end of its range."""
    count, train = 9000, 900
    lively = np.repeat(np.exp(0.6 * draws.standard_normal(count // 80 + 1)), 80)[:count]
    values = 300 * np.repeat(draws.normal(0, 0.6, count // 250 + 1), 250)[:count]
    values += 100 * lively * _noise(draws, count, 0.9)
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 100, count - 300, int(draws.integers(1, 3)), 1150):
        length = int(draws.integers(200, 1150))
        values[place : place + length] = draws.choice([-1, 1]) * np.quantile(np.abs(values), 0.99) * draws.uniform(1, 2)
        labels[place : place + length] = 1
    return values, labels, train


def _beat(length: int, wide: float = 1.0, draws: np.random.Generator | None = None) -> Floats:
    """One heart beat of about this many rows; `wide` is how broad and tall its main wave is."""
    at = np.linspace(0, 1, length)
    jitter = 1 + 0.03 * (draws.standard_normal(5) if draws is not None else np.zeros(5))
    waves = [(0.2, 0.12, 0.03), (0.33, -0.15, 0.012 * wide), (0.37, 1.0, 0.015 * wide), (0.41, -0.25, 0.014 * wide)]
    waves.append((0.65, 0.3 if wide == 1 else -0.35, 0.06))
    out: Floats = np.sum(
        [h * j * np.exp(-(((at - m) / s) ** 2) / 2) for (m, h, s), j in zip(waves, jitter, strict=True)], axis=0
    )
    return out


def beats(draws: np.random.Generator) -> Made:
    """An electrocardiogram with many beats of another origin (SVDB, MITDB, LTDB)."""
    count, train, period = 12000, 2000, int(draws.integers(80, 160))
    pieces, marks, total = [], [], 0
    while total < count:
        odd = total > train and draws.random() < 0.08
        length = int(period * (0.75 if odd else 1) * (1 + 0.06 * draws.standard_normal()))
        pieces.append(_beat(length, 3.5 if odd else 1.0, draws) * (1.2 if odd else 1.0))
        marks.append(np.full(length, int(odd)))
        total += length
    values, labels = np.concatenate(pieces)[:count], np.concatenate(marks)[:count]
    values += (
        0.2 * np.sin(np.arange(count) / 300) + 0.1 * _noise(draws, count, 0.999) + 0.02 * draws.standard_normal(count)
    )
    return values, labels.astype(np.int64), train


def rare(draws: np.random.Generator) -> Made:
    """One subtle odd cycle in a long quasi-periodic series (the UCR archive)."""
    count, train, period = 9000, 2500, int(draws.integers(60, 220))
    shape, pieces, total = draws.integers(3), [], 0
    starts = []
    while total < count:
        length = int(period * (1 + 0.04 * draws.standard_normal()))
        at = np.linspace(0, 1, length, endpoint=False)
        if shape == 0:
            cycle = _beat(length, 1.0, draws)
        elif shape == 1:
            cycle = np.sin(2 * np.pi * at) + 0.4 * np.sin(4 * np.pi * at + 1) * (1 + 0.1 * draws.standard_normal())
        else:
            cycle = np.clip(3 * np.sin(2 * np.pi * at), -1, 1) + 0.5 * at * (1 + 0.1 * draws.standard_normal())
        starts.append(total)
        pieces.append(cycle)
        total += length
    values = np.concatenate(pieces)[:count]
    starts = [s for s in starts if train + 500 < s < count - 600]
    place = int(draws.choice(starts))
    length = int(period * draws.uniform(0.4, 1.0))
    span = slice(place, place + length)
    kind = draws.integers(5)
    piece = values[span].copy()
    if kind == 0:
        values[span] = piece[::-1]
    elif kind == 1:
        values[span] = piece * 0.5 + 0.5 * piece.mean()
    elif kind == 2:
        values[span] += 0.25 * values.std() * draws.standard_normal(length)
    elif kind == 3:
        values[span] = np.interp(np.linspace(0, length, length) * 1.6 % length, np.arange(length), piece)
    else:
        values[span] = np.convolve(
            np.pad(piece, length // 6, mode="edge"), np.ones(length // 3) / (length // 3), "same"
        )[length // 6 : length // 6 + length]
    values += 0.03 * values.std() * draws.standard_normal(count) + 0.1 * _noise(draws, count, 0.999)
    labels = np.zeros(count, np.int64)
    labels[span] = 1
    return values, labels, train


def patterns(draws: np.random.Generator) -> Made:
    """A sine with noise and many anomalies of five kinds, from the start on (TODS)."""
    count, train, period = 5000, 500, 25 * int(draws.integers(1, 4))
    phase = 2 * np.pi * np.arange(count) / period
    values = np.sin(phase) + 0.1 * draws.standard_normal(count)
    labels = np.zeros(count, np.int64)
    kind = draws.integers(5)
    length = 1 if kind < 2 else int(draws.integers(8, 30))
    for place in _places(draws, 10, count - 60, 200 if kind < 2 else 12, length + 10):
        span = slice(place, place + length)
        if kind == 0:
            values[place] = draws.choice([-1, 1]) * draws.uniform(1.8, 3.5)
        elif kind == 1:
            values[place] = np.sin(phase[place]) + draws.choice([-1, 1]) * draws.uniform(0.6, 1.0)
        elif kind == 2:
            values[span] = np.sign(np.sin(phase[span])) + 0.1 * draws.standard_normal(length)
        elif kind == 3:
            values[span] = np.sin(3 * phase[span]) + 0.1 * draws.standard_normal(length)
        else:
            values[span] += np.linspace(0, draws.choice([-1, 1]) * draws.uniform(0.8, 2), length)
        labels[span] = 1
    return values, labels, train


def prices(draws: np.random.Generator) -> Made:
    """A wandering level with single outliers everywhere, also where it should be normal (Stock, TAO)."""
    count, train = 6000, 500
    values = 20 + 2 * _noise(draws, count, 0.999) + 0.03 * draws.standard_normal(count)
    labels = (draws.random(count) < draws.uniform(0.04, 0.1)).astype(np.int64)
    values += labels * draws.choice([-1, 1], count) * draws.uniform(1.5, 8, count)
    return values, labels, train


def short(draws: np.random.Generator) -> Made:
    """A short record of a service with stretches at another level (NEK)."""
    count, train = 1073, 500
    values = 10 + 0.3 * _season(count, 48, draws, 2) + 0.3 * np.abs(_noise(draws, count, 0.4))
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 30, count - 80, int(draws.integers(1, 3)), 90):
        length = int(draws.integers(20, 90))
        values[place : place + length] += draws.choice([-1, 1, 1]) * draws.uniform(1.5, 6)
        labels[place : place + length] = 1
    return values, labels, train


def chaos(draws: np.random.Generator) -> Made:
    """A chaotic series in which a piece was taken out and the ends joined smoothly (MGAB)."""
    count, train, delay = 8000, 2000, 180
    values = np.full(10 * (count + 1000), 1.2)
    values[:delay] += 0.1 * draws.standard_normal(delay)
    for t in range(delay, len(values)):  # Mackey and Glass with delay 18, steps of 0.1
        before = values[t - delay]
        values[t] = values[t - 1] + 0.1 * (0.2 * before / (1 + before**10) - 0.1 * values[t - 1])
    rows = values[5000::10]
    labels, shift = np.zeros(count, np.int64), 0
    pieces, last = [], 0
    for place in _places(draws, train + 300, count - 300, 4, 60):
        ahead = np.arange(place + 30, place + 60)
        gaps = [
            abs(rows[shift + place] - rows[shift + j]) + abs(rows[shift + place + 1] - rows[shift + j + 1])
            for j in ahead
        ]
        jump = int(ahead[int(np.argmin(gaps))]) - place
        pieces.append(rows[shift + last : shift + place])
        shift, last = shift + jump, place
        labels[place - 10 : place + 10] = 1
    pieces.append(rows[shift + last :])
    return np.concatenate(pieces)[:count], labels, train


def chips(draws: np.random.Generator) -> Made:
    """A telemetry channel that is quantised, constant for long, and leaves its habits once or twice (SMAP, MSL)."""
    count, train, period = 8000, 2000, int(draws.integers(80, 260))
    wave = np.round(4 * np.clip(_season(count, period, draws, 2), -1, 1)) / 4
    values = np.where(_season(count, period * 7, draws, 1) > draws.uniform(-1.5, 0.5), wave, -1)
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 500, count - 500, int(draws.integers(1, 3)), 300):
        length = int(draws.integers(30, 300))
        span, kind = slice(place, place + length), draws.integers(4)
        if kind == 0:
            values[span] = values[place]
        elif kind == 1:
            values[span] = values[span] + 0.5
        elif kind == 2:
            values[span] = np.round(8 * draws.uniform(-1, 1, length)) / 8
        else:
            values[span] = np.round(4 * np.sin(np.arange(length) * 2 * np.pi / (period / 3))) / 4
        labels[span] = 1
    return values, labels, train
