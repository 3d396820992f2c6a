"""The formulas behind the demo's machine: faults are as loud, and sound when and where, as they say."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[4]
CLIPS = ROOT / "domains" / "genapps_audio" / "samples" / "machine"


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("machine_sounds", ROOT / "datasets" / "build_machine_sounds.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["motor", "fan", "valve"])
@pytest.mark.parametrize("fault", ["bearing", "squeal", "leak", "blade"])
def test_a_fault_is_as_loud_and_sounds_where_it_is_said(made: ModuleType, kind: str, fault: str) -> None:
    machine = made.Machine.draw(kind, np.random.default_rng(1))
    sound = machine.clip(np.random.default_rng(2))
    assert np.mean(sound**2) == pytest.approx(1)
    both, planted = made.faulty(machine, fault, -6.0, np.random.default_rng(2))
    noise = both - sound  # the same draws make the same machine
    first, last = round(planted.begin * made.RATE), round(planted.end * made.RATE)
    assert 10 * np.log10(np.mean(noise[first:last] ** 2)) == pytest.approx(-6.0, abs=1e-6)
    assert np.sum(noise[first:last] ** 2) > 0.98 * np.sum(noise**2)
    power, hz = np.abs(np.fft.rfft(noise)) ** 2, np.fft.rfftfreq(len(noise), 1 / made.RATE)
    inside = (hz >= planted.low) & (hz <= planted.high)
    assert power[inside].sum() > 0.7 * power.sum()


def test_the_clips_that_ship_are_those_of_the_formulas(made: ModuleType) -> None:
    names = sorted(path.relative_to(CLIPS).as_posix() for path in CLIPS.rglob("*.ogg"))
    assert len(names) == made.SOUND + made.UNSEEN + made.FAULTY * len(made.FAULTS)
    with (CLIPS / "events.csv").open() as file:
        assert {f"test/{row['clip']}" for row in csv.DictReader(file)} == {
            name for name in names if "/good/" not in name
        }
    assert sum(path.stat().st_size for path in CLIPS.rglob("*")) < 400_000
    rng = np.random.default_rng(made.SEED)
    wave, (kept, rate) = made.demo_machine().clip(rng), soundfile.read(CLIPS / "train" / "good" / "00.ogg")
    assert rate == made.RATE and np.corrcoef(wave, kept)[0, 1] > 0.95
