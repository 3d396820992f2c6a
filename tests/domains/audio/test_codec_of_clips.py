"""Clips as patches and back: length, loudness, silence, rates, and that nothing is clipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genapps.errors import InputError
from genapps_audio.codec import FLOOR, PEAK, Codec, gather, stretched
from genapps_audio.records import Clip, Skipped

CODEC = Codec(8000, 24, 1.0)


def chirp(seconds: float = 0.4, rate: int = 8000, gain: float = 0.3) -> np.ndarray:
    """A tone that rises from 300 to 1,500 Hz and fades."""
    time = np.arange(round(seconds * rate)) / rate
    wave = gain * np.exp(-2 * time) * np.sin(2 * np.pi * (300 * time + 600 / seconds * time**2))
    return wave.astype(np.float32)


def clip(wave: np.ndarray, rate: int = 8000, label: str | None = None) -> Clip:
    return Clip("a.wav", wave[:, None], rate, label)


def test_a_clip_comes_back_with_its_length_loudness_and_spectrum() -> None:
    wave = chirp()
    found = CODEC.encode(clip(wave))
    assert found.patch.shape == (24, CODEC.bins)
    assert float(found.patch.min()) >= FLOOR
    assert abs(found.seconds - 0.4) < 0.02
    long = Codec(8000, 48, 1.0)
    one = long.encode(clip(wave))
    draws = torch.Generator().manual_seed(0)
    (back,) = long.decode(one.patch[None], torch.tensor([one.seconds]), torch.tensor([one.level]), draws)
    assert len(back) == round(one.seconds * 8000)
    assert abs(20 * np.log10(np.sqrt(np.mean(back**2)) / one.level)) < 0.1
    again = long.encode(clip(back))
    loud = one.patch > -25  # what is well above the noise of unknown phases
    assert float((again.patch - one.patch)[loud].abs().mean()) < 3


def test_silence_at_the_ends_is_no_part_of_a_clip() -> None:
    bare, quiet = CODEC.encode(clip(chirp())), np.zeros(4000, np.float32)
    framed = CODEC.encode(clip(np.concatenate([quiet, chirp(), quiet])))
    assert abs(framed.seconds - bare.seconds) < 0.04
    assert framed.cut[0] == pytest.approx(1.0, abs=0.05)
    assert float((framed.patch - bare.patch)[4:-4].abs().median()) < 2


def test_loudness_makes_no_other_patch() -> None:
    loud, quiet = CODEC.encode(clip(chirp(gain=0.9))), CODEC.encode(clip(chirp(gain=0.01)))
    torch.testing.assert_close(loud.patch, quiet.patch, atol=1e-2, rtol=0)
    assert loud.level / quiet.level == pytest.approx(90, rel=1e-3)


def test_other_rates_and_channels_are_the_same_sound() -> None:
    own = CODEC.encode(clip(chirp()))
    fast = chirp(rate=22_050)
    both = Clip("b.wav", np.stack([fast, fast], 1), 22_050)
    other = CODEC.encode(both)
    loud = own.patch > -20
    assert float((other.patch - own.patch)[loud].abs().mean()) < 1
    batch = gather([clip(chirp(), label="x"), both], CODEC)
    assert batch.labels is None
    assert any("1 at 22,050 Hz" in note for note in batch.notes)


def test_what_holds_no_sound_is_passed_over() -> None:
    silent = clip(np.zeros(4000, np.float32))
    with pytest.raises(InputError, match="holds no sound"):
        CODEC.encode(silent)
    batch = gather([silent, clip(chirp()), Skipped("c.wav", "broken")], CODEC)
    assert len(batch) == 1
    assert [one.reason for one in batch.skipped] == ["holds no sound", "broken"]
    with pytest.raises(InputError, match=r"no clip that can be used; a\.wav: holds no sound"):
        gather([silent], CODEC)


def test_the_shortest_clip_is_a_clip() -> None:
    assert CODEC.encode(clip(np.ones(1, np.float32))).patch.isfinite().all()


def test_nothing_is_clipped_however_loud_it_should_be() -> None:
    patches = torch.full((2, 24, CODEC.bins), FLOOR)
    patches[:, 12] = 40.0  # one click
    waves = CODEC.decode(patches, torch.tensor([0.3, 0.05]), torch.tensor([2.0, 0.1]), torch.Generator())
    assert [len(wave) for wave in waves] == [2400, 400]
    assert max(float(np.abs(wave).max()) for wave in waves) <= PEAK + 1e-6
    silence = CODEC.decode(torch.full((1, 24, 129), FLOOR), torch.tensor([0.2]), torch.tensor([0.1]), torch.Generator())
    assert np.isfinite(silence[0]).all()


def test_stretching_keeps_both_ends() -> None:
    patches = torch.randn(3, 10, 5)
    for frames in (4, 10, 33):
        found = stretched(patches, frames)
        assert found.shape == (3, frames, 5)
        torch.testing.assert_close(found[:, [0, -1]], patches[:, [0, -1]])
    torch.testing.assert_close(stretched(stretched(patches, 19), 10), patches)  # every second of 19 is one of 10
