"""Made series of several channels with labelled anomalies, a family for each kind of thing that is measured so.

They follow how the public benchmarks of several channels are described, and add what those lack: a channel that is wild
all the time, a relation that breaks while every channel looks normal, a switch that hangs. For making choices only;
what is stated comes from other series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from made import Floats, Made, _noise, _places, _season
from numpy.typing import NDArray
from series import Labelled

Draws = np.random.Generator


def families() -> dict[str, Callable[[Draws], Made]]:
    """Name -> what makes one series: values (N, C), labels (N,), rows declared normal."""
    return {
        "plant": plant,
        "relation": relation,
        "machines": machines,
        "cluster": cluster,
        "craft": craft,
        "craft_still": craft_still,
        "bodies": bodies,
        "leads": leads,
        "buoy": buoy,
        "wild": wild,
        "switch": switch,
        "dead": dead,
    }


def made_channels(seeds: int = 2, only: str = "") -> Iterator[Labelled]:
    """`seeds` series of each family, or of one."""
    for name, make in families().items():
        for seed in range(seeds if not only or name == only else 0):
            values, labels, train = make(np.random.default_rng([seed, *name.encode()]))
            yield Labelled(f"{name}_{seed}", values, labels, train)


def _driven(draws: Draws, count: int, channels: int, sources: int, noise: float = 0.15) -> Floats:
    """Sensors (N, C), each a late and slow mixture of a few hidden sources."""
    hidden = [
        _season(count, draws.uniform(40, 200), draws, 2) if k % 2 else _noise(draws, count, 0.98)
        for k in range(sources)
    ]
    out = np.empty((count, channels))
    for c in range(channels):
        mixed = sum(weight * part for weight, part in zip(draws.normal(size=sources), hidden, strict=True))
        slow = np.convolve(mixed, np.ones(3) / 3, "same")
        out[:, c] = np.roll(slow, draws.integers(0, 10)) / (slow.std() + 1e-9)
    out += noise * draws.standard_normal(out.shape)
    return out * draws.uniform(0.1, 100, channels) + draws.normal(0, 100, channels)


def _shift(draws: Draws, values: Floats, span: slice, channels: NDArray[np.int64], size: float) -> None:
    """A bump, a ramp or a level, of this many deviations, in some channels."""
    count = span.stop - span.start
    shape = [np.ones(count), np.linspace(0, 1, count), np.hanning(count + 2)[1:-1]][int(draws.integers(3))]
    for c in channels.tolist():
        values[span, c] += draws.choice([-1, 1]) * size * values[:, c].std() * shape


def plant(draws: Draws) -> Made:
    """Coupled sensors and switches of a plant; stretches in which a few sensors leave their course (SWaT, CATS)."""
    count, train = 4000, 1200
    values, labels = _driven(draws, count, 10, 3), np.zeros(count, np.int64)
    switches = np.column_stack([np.arange(count) // draws.integers(30, 90) % 2 for _ in range(4)])
    values[:, :4] += 0.5 * values[:, :4].std(0) * switches
    for place in _places(draws, train + 200, count - 200, 3, 150):
        span = slice(place, place + int(draws.integers(40, 150)))
        _shift(draws, values, span, draws.choice(10, int(draws.integers(1, 4)), replace=False), draws.uniform(0.7, 2))
        labels[span] = 1
    return np.hstack([values, switches]), labels, train


def relation(draws: Draws) -> Made:
    """Coupled sensors of which one now and then follows its course of another time: only the relation breaks."""
    count, train = 4000, 1200
    values, labels = _driven(draws, count, 8, 2), np.zeros(count, np.int64)
    whole = values.copy()
    for place in _places(draws, train + 200, count - 200, 3, 150):
        length, c = int(draws.integers(60, 150)), int(draws.integers(8))
        other = int(draws.integers(0, train - length))
        values[place : place + length, c] = whole[other : other + length, c]
        labels[place : place + length] = 1
    return values, labels, train


def machines(draws: Draws) -> Made:
    """Metrics of a server: bursts, counts, constants; anomalies in a quarter of them (SMD, PSM)."""
    count, train = 4000, 1000
    load = np.maximum(0, _season(count, 720, draws, 2)) + 0.3 * np.abs(_noise(draws, count, 0.9))
    columns = []
    for c in range(26):
        if c % 6 == 5:
            columns.append(np.full(count, draws.integers(0, 2)) * 1.0)
        elif c % 3 == 0:
            columns.append(load * draws.uniform(0.2, 1) + 0.1 * np.abs(_noise(draws, count, 0.5)))
        elif c % 3 == 1:
            columns.append(draws.exponential(1, count) * (draws.random(count) < 0.05) * draws.uniform(0.5, 2))
        else:
            columns.append(np.exp(0.5 * _noise(draws, count, draws.choice([0.5, 0.95]))))
    values, labels = np.column_stack(columns), np.zeros(count, np.int64)
    for place in _places(draws, train + 200, count - 200, 3, 150):
        span = slice(place, place + int(draws.integers(20, 150)))
        _shift(draws, values, span, draws.choice(26, 6, replace=False), draws.uniform(1.5, 5))
        labels[span] = 1
    return values, labels, train


def cluster(draws: Draws) -> Made:
    """Metrics of jobs that run at levels of work; long stretches in which half of them go far beyond (Exathlon)."""
    count, train = 4000, 1000
    levels = np.repeat(draws.uniform(0, 1, count // 100 + 1), 100)[:count]
    values = np.column_stack(
        [levels * draws.uniform(0, 2) + 0.2 * _noise(draws, count, draws.uniform(0, 0.95)) for _ in range(16)]
    )
    values[:, 3] = np.cumsum(draws.integers(0, 4, count))  # records done so far
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 200, count - 500, 2, 500):
        span = slice(place, place + int(draws.integers(200, 500)))
        _shift(
            draws, values, span, draws.choice([c for c in range(16) if c != 3], 8, replace=False), draws.uniform(1, 4)
        )
        labels[span] = 1
    return values, labels, train


def _commands(draws: Draws, count: int, train: int, channels: int) -> Floats:
    """Commands in programs that repeat; after the start in another mixture, and a third of them for the first time."""
    out = np.zeros((count, channels))
    programs = [draws.choice(channels, int(draws.integers(2, 6)), replace=False) for _ in range(9)]
    for k, program in enumerate(programs):
        row = float(train * draws.uniform(1, 3) if k % 3 == 2 else draws.integers(0, 200))
        usual = float(draws.choice([80, 200, 400]))
        while row < count - 100:
            place = int(row)
            for c in program:
                out[place : place + int(draws.integers(1, 6)), c] = 1
                place += int(draws.integers(0, 8))
            row += 10 + draws.exponential(usual if row < train else usual * draws.choice([0.3, 1, 3]))
    return out


def craft(draws: Draws) -> Made:
    """One telemetry channel beside commands that are no fault of anything (MSL, SMAP)."""
    count, train = 4000, 1000
    commands = _commands(draws, count, train, 30)
    answer = np.convolve(commands[:, 0], np.exp(-np.arange(40) / 10))[:count]
    values = _season(count, draws.uniform(50, 200), draws) + 0.5 * answer + 0.1 * draws.standard_normal(count)
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 100, count - 200, 2, 200):
        length, shape = int(draws.integers(40, 200)), draws.integers(3)
        span = slice(place, place + length)
        if shape == 0:
            values[span] = values[place]
        elif shape == 1:
            values[span] += draws.choice([-1, 1]) * draws.uniform(0.5, 2)
        else:
            values[span] += draws.uniform(0.4, 1) * draws.standard_normal(length)
        labels[span] = 1
    return np.column_stack([values, commands]), labels, train


def craft_still(draws: Draws) -> Made:
    """The same with a telemetry channel that stands still, or beats between two values, until something is wrong."""
    count, train = 4000, 1000
    commands = _commands(draws, count, train, 30)
    values = np.full(count, -1.0)
    beats = draws.random() < 0.7
    if beats:
        values[(np.arange(count) + np.repeat(draws.integers(-4, 5, count // 100 + 1), 100)[:count]) % 100 < 20] = 1.0
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 100, count - 200, 2, 100):
        span = slice(place, place + int(draws.integers(40, 150)))
        values[span] = -values[span] if beats and draws.random() < 0.7 else draws.choice([-0.5, 0.3])
        labels[span] = 1
    return np.column_stack([values, commands]), labels, train


def bodies(draws: Draws) -> Made:
    """Accelerometers on a body; what is not normal is another movement of all of them (OPPORTUNITY, Daphnet)."""
    count, train, channels = 5000, 1500, 18
    gains = draws.normal(size=(3, channels))
    walk = _season(count, 33, draws, 3) * (1 + 0.2 * _noise(draws, count, 0.99))
    stand = 0.1 * _noise(draws, count, 0.9)
    shake = _season(count, 11, draws, 2)
    which = np.repeat(draws.random(count // 250 + 1) < 0.7, 250)[:count]
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train + 200, count - 200, 4, 120):
        labels[place : place + int(draws.integers(40, 120))] = 1
    source = np.where(labels == 1, 0.0, np.where(which, walk, stand))[:, None] * gains[0]
    source = source + np.where(labels == 1, 0.7 * shake, 0.0)[:, None] * gains[1] + 0.3 * which[:, None] * gains[2]
    return source + 0.15 * draws.standard_normal((count, channels)), labels, train


def leads(draws: Draws) -> Made:
    """Two leads of one heart; single beats that come early and look wide (SVDB, LTDB, MITDB)."""
    count, train = 6000, 2000
    values, labels = np.zeros((count, 2)), np.zeros(count, np.int64)
    usual = [np.exp(-0.5 * ((np.arange(60) - 25) / w) ** 2) for w in (2.0, 3.0)]
    wide = [1.4 * np.exp(-0.5 * ((np.arange(60) - 25) / w) ** 2) for w in (6.0, 5.0)]
    row, made = 0, 0
    while row < count - 60:
        made += 1
        odd = row > train and (made % 40 == 0 or draws.random() < 0.04)
        for lead in range(2):
            values[row : row + 60, lead] += (wide if odd else usual)[lead]
        labels[row + 5 : row + 45] |= int(odd)
        row += int(draws.normal(50 if odd else 66, 2))
    drift = np.column_stack([_noise(draws, count, 0.999) for _ in range(2)])
    return values + 0.1 * drift + 0.03 * draws.standard_normal(values.shape), labels, train


def buoy(draws: Draws) -> Made:
    """Three slow channels with many short outliers (TAO, GECCO)."""
    count, train = 4000, 1000
    values = np.column_stack([_season(count, 300, draws) + 0.5 * _noise(draws, count, 0.95) for _ in range(3)])
    labels = np.zeros(count, np.int64)
    for place in _places(draws, train, count - 10, 40, 4):
        span = slice(place, place + int(draws.integers(1, 4)))
        _shift(draws, values, span, draws.choice(3, 1), draws.uniform(0.8, 3))
        labels[span] = 1
    return values, labels, train


def wild(draws: Draws) -> Made:
    """Calm sensors beside two that jump about and one that wanders off; only what the calm ones do matters."""
    count, train = 4000, 1200
    calm, labels = _driven(draws, count, 5, 2), np.zeros(count, np.int64)
    jumps = draws.standard_t(1.5, (count, 2))
    away = np.cumsum(draws.standard_normal(count))
    for place in _places(draws, train + 200, count - 200, 3, 120):
        span = slice(place, place + int(draws.integers(40, 120)))
        _shift(draws, calm, span, draws.choice(5, 1), draws.uniform(1, 2.5))
        labels[span] = 1
    return np.column_stack([jumps[:, 0], calm, jumps[:, 1], away]), labels, train


def switch(draws: Draws) -> Made:
    """Sensors and valves that follow a cycle; a valve hangs, or opens and shuts without end (GHL, Genesis)."""
    count, train = 4000, 1200
    period = int(draws.integers(60, 120))
    phase = np.arange(count) % period + draws.normal(0, 1, count // period + 1).repeat(period)[:count]
    valves = np.column_stack(
        [(phase > a * period) & (phase < b * period) for a, b in ((0, 0.3), (0.2, 0.6), (0.7, 0.9))]
    )
    values, labels = valves.astype(float), np.zeros(count, np.int64)
    level = np.convolve(values[:, 0] - values[:, 2], np.exp(-np.arange(60) / 20))[:count]
    for place in _places(draws, train + 200, count - 400, 3, 2 * period):
        span, c = slice(place, place + int(draws.uniform(0.8, 2) * period)), int(draws.integers(3))
        values[span, c] = values[place, c] if draws.random() < 0.5 else (np.arange(span.stop - place) // 3) % 2
        labels[span] = 1
    sensors = np.column_stack([level + 0.2 * draws.standard_normal(count), _driven(draws, count, 3, 2)])
    return np.hstack([sensors, values]), labels, train


def dead(draws: Draws) -> Made:
    """Sensors of which some stand still; one of those moves, or one that moved stands still."""
    count, train = 4000, 1200
    values, labels = _driven(draws, count, 6, 3), np.zeros(count, np.int64)
    still = np.tile(draws.normal(size=6), (count, 1))
    for k, place in enumerate(_places(draws, train + 200, count - 200, 3, 150)):
        span = slice(place, place + int(draws.integers(40, 150)))
        if k % 2:
            values[span, draws.integers(6)] = values[place].mean()
        else:
            still[span, draws.integers(6)] += draws.normal() * 0.1
        labels[span] = 1
    return np.hstack([values, still, values[:, :1] * 2 + 1]), labels, train
