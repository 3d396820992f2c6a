"""Makes the demo clips domains/genapps_audio/samples/machine: a motor with a fan that never ran, sound and with faults.

    .venv/bin/python datasets/build_machine_sounds.py [FOLDER]

Clips of two seconds, 8 kHz, as OGG: train/good holds 24 of the sound machine, test/good 4 more, and test/bearing,
test/squeal, test/leak and test/blade 2 each; events.csv says when and in which band each fault sounds. The same sounds
every time, drawn by formulas: harmonics of a shaft that runs a little faster or slower each time, noise of a fan that
its blades modulate, clicks of a valve. Benchmarks make as many other machines as they want from the same formulas.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]
RATE, SECONDS = 8_000, 2.0
SEED = 7
SOUND, UNSEEN, FAULTY = 24, 4, 2
FAULTS = ("bearing", "squeal", "leak", "blade")
MACHINES = ("motor", "fan", "valve")
SNR = -3.0  # dB of a fault while it sounds, beside the machine, in the demo
CLIPS = Path(__file__).parent.parent / "domains" / "genapps_audio" / "samples" / "machine"


@dataclass(frozen=True)
class Planted:
    """When a fault sounds, in seconds, and in which band, in Hz."""

    begin: float
    end: float
    low: float
    high: float


@dataclass(frozen=True)
class Machine:
    """One machine of a kind. shaft: turns a second. body: resonances in Hz. tilt: of its noise, dB an octave."""

    kind: str
    shaft: float
    blades: int
    body: tuple[float, ...]
    tilt: float

    @staticmethod
    def draw(kind: str, rng: np.random.Generator) -> Machine:
        """A machine by chance."""
        body = tuple(float(hz) for hz in rng.uniform(200, 0.35 * RATE, 3))
        return Machine(kind, float(rng.uniform(18, 45)), int(rng.integers(4, 9)), body, float(rng.uniform(-8, -4)))

    def clip(self, rng: np.random.Generator, seconds: float = SECONDS) -> Wave:
        """(T,) of its sound, of power one: speed, load and background differ a little from clip to clip."""
        time = np.arange(round(seconds * RATE)) / RATE
        speed = self.shaft * (1 + rng.normal(0, 0.01) + _drift(len(time), rng) * 0.004)
        phase = 2 * np.pi * np.cumsum(speed) / RATE + rng.uniform(0, 2 * np.pi)
        sound = {"motor": self._motor, "fan": self._fan, "valve": self._valve}[self.kind](phase, rng)
        background = _unit(colored(len(time), rng, -3 + rng.normal(0, 0.5)))
        mixed = _unit(sound) + 10 ** (rng.normal(-15, 1.5) / 20) * background
        return _unit(mixed)

    def _motor(self, phase: Wave, rng: np.random.Generator) -> Wave:
        found = np.zeros_like(phase)
        for k in range(1, 25):
            hz = k * self.shaft
            gain = k**-0.6 + 1.5 * sum(np.exp(-((hz - one) ** 2) / (2 * 80**2)) for one in self.body)
            found += gain * (1 + rng.normal(0, 0.08)) * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
        return _unit(found) + 0.25 * _unit(self._noise(len(phase), rng))

    def _fan(self, phase: Wave, rng: np.random.Generator) -> Wave:
        blown = self._noise(len(phase), rng)
        return _unit(blown * (1 + 0.5 * np.sin(self.blades * phase))) + 0.2 * np.sin(self.blades * phase)

    def _valve(self, phase: Wave, rng: np.random.Generator) -> Wave:
        turns = np.floor(phase / (2 * np.pi) * 4 / self.shaft)  # four strokes a second
        strokes = np.flatnonzero(np.diff(turns) > 0) + rng.normal(0, 0.004 * RATE, int((np.diff(turns) > 0).sum()))
        clicks = np.zeros_like(phase)
        for place in strokes.astype(int).clip(0, len(phase) - 1):
            clicks[place] = 1 + rng.normal(0, 0.1)
        return _unit(ringing(clicks, self.body, 0.02)) + 0.2 * _unit(self._noise(len(phase), rng))

    def _noise(self, count: int, rng: np.random.Generator) -> Wave:
        return ringing(colored(count, rng, self.tilt), self.body[:2], 0.002) + colored(count, rng, self.tilt)


def faulty(machine: Machine, fault: str, snr: float, rng: np.random.Generator) -> tuple[Wave, Planted]:
    """A clip (T,) of the machine with a fault, `snr` dB beside the machine's power while it sounds, and where it is."""
    sound = machine.clip(rng)
    noise, planted = _PLANT[fault](machine, len(sound), rng)
    first, last = round(planted.begin * RATE), round(planted.end * RATE)
    power = np.mean(noise[first:last] ** 2)
    return sound + noise * np.sqrt(10 ** (snr / 10) / power), planted


def _bearing(machine: Machine, count: int, rng: np.random.Generator) -> tuple[Wave, Planted]:
    begin, end = _stretch(count, rng, 0.6, 1.2)
    rate, ring = machine.shaft * rng.uniform(1.5, 2.7), rng.uniform(1_300, 3_200)
    places = np.arange(begin, end, 1 / rate)
    places = (places + rng.normal(0, 0.02 / rate, len(places))) * RATE
    hits = np.zeros(count)
    hits[places.astype(int).clip(0, count - 1)] = 1 + rng.normal(0, 0.2, len(places))
    return ringing(hits, (ring,), 0.004), Planted(begin, end, ring - 150, ring + 150)


def _squeal(_: Machine, count: int, rng: np.random.Generator) -> tuple[Wave, Planted]:
    begin, end = _stretch(count, rng, 0.3, 0.7)
    middle = rng.uniform(1_200, 3_400)
    pitch = middle * (1 + 0.015 * _drift(count, rng))
    tone = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * _gate(count, begin, end)
    return tone, Planted(begin, end, middle * 0.97, middle * 1.03)


def _leak(_: Machine, count: int, rng: np.random.Generator) -> tuple[Wave, Planted]:
    begin, end = _stretch(count, rng, 0.6, 1.4)
    low = rng.uniform(1_800, 2_600)
    hiss = banded(rng.normal(size=count), low, 0.48 * RATE) * _gate(count, begin, end)
    return hiss, Planted(begin, end, low, 0.48 * RATE)


def _blade(machine: Machine, count: int, rng: np.random.Generator) -> tuple[Wave, Planted]:
    """A blade is lost: once a turn the noise bursts, all the time."""
    phase = 2 * np.pi * machine.shaft * (1 + rng.normal(0, 0.01)) * np.arange(count) / RATE
    low, high = 150.0, 1_200.0
    bursts = banded(rng.normal(size=count), low, high) * np.maximum(np.sin(phase), 0) ** 8
    return bursts, Planted(0.0, count / RATE, low, high)


_PLANT: dict[str, Callable[[Machine, int, np.random.Generator], tuple[Wave, Planted]]] = {
    "bearing": _bearing,
    "squeal": _squeal,
    "leak": _leak,
    "blade": _blade,
}


def colored(count: int, rng: np.random.Generator, tilt: float) -> Wave:
    """(T,) of noise that falls by `tilt` dB an octave, from 50 Hz on."""
    spectrum = np.fft.rfft(rng.normal(size=count))
    hz = np.fft.rfftfreq(count, 1 / RATE)
    return np.fft.irfft(spectrum * (np.maximum(hz, 50) / 1_000) ** (tilt / 6.02), count)


def banded(wave: Wave, low: float, high: float) -> Wave:
    """The part (T,) of a wave between two frequencies."""
    spectrum, hz = np.fft.rfft(wave), np.fft.rfftfreq(len(wave), 1 / RATE)
    edge = 50.0
    pass_ = np.clip((hz - low) / edge + 0.5, 0, 1) * np.clip((high - hz) / edge + 0.5, 0, 1)
    return np.fft.irfft(spectrum * pass_, len(wave))


def ringing(wave: Wave, body: tuple[float, ...], decay: float) -> Wave:
    """(T,): the wave through resonances that die away in `decay` seconds."""
    time = np.arange(round(8 * decay * RATE)) / RATE
    answer = sum(np.exp(-time / decay) * np.sin(2 * np.pi * hz * time) for hz in body)
    return np.convolve(wave, np.asarray(answer))[: len(wave)]


def _drift(count: int, rng: np.random.Generator) -> Wave:
    """(T,) of slow movement of variance one, at some tenths of a second."""
    knots = rng.normal(size=max(4, count * 5 // RATE))
    return np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)


def _stretch(count: int, rng: np.random.Generator, least: float, most: float) -> tuple[float, float]:
    seconds = count / RATE
    length = min(rng.uniform(least, most), 0.9 * seconds)
    begin = rng.uniform(0, seconds - length)
    return float(begin), float(begin + length)


def _gate(count: int, begin: float, end: float) -> Wave:
    time = np.arange(count) / RATE
    return np.clip((time - begin) / 0.02, 0, 1) * np.clip((end - time) / 0.02, 0, 1)


def _unit(wave: Wave) -> Wave:
    return wave / np.sqrt(np.mean(wave**2))


def demo_machine() -> Machine:
    """The machine of the demo: a motor with a fan on its shaft."""
    return Machine("motor", 29.0, 7, (410.0, 980.0, 1_750.0), -6.0)


def main(folder: Path) -> None:
    """Write all clips, and what was planted."""
    rng = np.random.default_rng(SEED)
    machine = demo_machine()
    for number in range(SOUND):
        write(folder / "train" / "good" / f"{number:02}.ogg", machine.clip(rng), rng)
    for number in range(UNSEEN):
        write(folder / "test" / "good" / f"{number:02}.ogg", machine.clip(rng), rng)
    rows = []
    for fault in FAULTS:
        for number in range(FAULTY):
            wave, planted = faulty(machine, fault, SNR, rng)
            write(folder / "test" / fault / f"{number:02}.ogg", wave, rng)
            bounds = (planted.begin, planted.end, planted.low, planted.high)
            rows.append([f"{fault}/{number:02}.ogg", *(f"{value:.2f}" for value in bounds)])
    with (folder / "events.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["clip", "from_second", "to_second", "from_hz", "to_hz"])
        writer.writerows(rows)


def write(path: Path, wave: Wave, rng: np.random.Generator) -> None:
    """As OGG, about a twentieth of full scale, a little louder or softer each time."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    gain = 0.1 * 10 ** (rng.normal(0, 1.0) / 20)
    kept = (wave * gain).clip(-1, 1).astype(np.float32)
    soundfile.write(path, kept, RATE, format="OGG", subtype="VORBIS", compression_level=0.7)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CLIPS)
