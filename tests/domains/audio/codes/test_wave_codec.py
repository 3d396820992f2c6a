"""The codec: shapes, books that mend what is left, what learning brings, and a codec that is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_audio.codes.codec import WaveCodec, blocks_of, decibels, levelled
from genapps_audio.codes.learning import spectral_distance
from genapps_audio.codes.network import CodecNet, Shape
from genapps_audio.codes.quantizing import ResidualQuantizer

SMALL = Shape(together=2, latent=8, channels=16, layers=1, books=3, size=8)
RATE = 4000


def tones(count: int, seed: int = 0) -> list[np.ndarray]:
    """Tones of 300 to 1500 Hz that fade."""
    time, draws = np.arange(1500) / RATE, np.random.default_rng(seed)
    pitches = draws.uniform(300, 1500, count)
    return [(np.exp(-3 * time) * np.sin(2 * np.pi * pitch * time)).astype(np.float32) for pitch in pitches]


def apart(codec: WaveCodec, books: int) -> float:
    """In dB, before phases."""
    found = []
    for wave in tones(10):
        truth = blocks_of([decibels(wave, RATE)], codec.shape.together).view(-1, 65)
        codes, _ = codec.encode(wave)
        with torch.no_grad():
            found.append(float(spectral_distance(codec.net.decoded(codes[None, :books])[0].mT.reshape(-1, 65), truth)))
    return float(np.mean(found))


@pytest.fixture(scope="module")
def codec() -> WaveCodec:
    return WaveCodec.fit(tones(20), RATE, shape=SMALL, steps=60, seed=0, device="cpu")


def test_each_book_brings_spectra_nearer_and_so_does_learning(codec: WaveCodec) -> None:
    far = [apart(codec, books) for books in (1, 2, 3)]
    assert far[0] > far[1] > far[2]
    untaught = WaveCodec.fit(tones(20), RATE, shape=SMALL, steps=1, seed=0, device="cpu")
    assert far[2] < 0.97 * apart(untaught, 3)


def test_length_and_loudness_come_back(codec: WaveCodec) -> None:
    wave = 0.1 * tones(1)[0][:1001]
    codes, level = codec.encode(wave)
    assert codes.shape == (3, -(-(1 + 1001 // 32) // 2))
    assert level == pytest.approx(float(np.sqrt(np.mean(wave**2))), rel=1e-5)
    back = codec.decode(codes, level, 1001)
    assert len(back) == 1001
    np.testing.assert_allclose(10 * codec.decode(codes, level / 10, 1001), back, rtol=1e-4, atol=1e-7)


def test_a_tone_keeps_its_pitch(codec: WaveCodec) -> None:
    for wave in tones(3, seed=9):
        codes, level = codec.encode(wave)
        pitch, heard = (np.abs(np.fft.rfft(one)).argmax() for one in (wave, codec.decode(codes, level, len(wave))))
        assert abs(int(pitch) - int(heard)) * RATE / len(wave) < 150


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(500), np.ones(1)])
def test_what_holds_no_sound_has_codes_too(codec: WaveCodec, wave: np.ndarray) -> None:
    codes, level = codec.encode(wave.astype(np.float32))
    assert codes.shape[1] >= 1
    assert bool(np.isfinite(codec.decode(codes, level, len(wave))).all())


def test_bits_a_second_and_the_space_of_codes(codec: WaveCodec) -> None:
    assert codec.bit_rate() == 3 * 3 * RATE / 64
    assert codec.bit_rate(1) == codec.bit_rate() / 3
    assert (codec.space(7).row.sizes, codec.space(7).longest) == ((8, 8, 8), 7)


def test_a_codec_is_kept(codec: WaveCodec, tmp_path: Path) -> None:
    path = tmp_path / "codec.genapps"
    codec.save(path)
    again = WaveCodec.load(path)
    codes, level = codec.encode(tones(2)[1])
    assert torch.equal(again.encode(tones(2)[1])[0], codes)
    np.testing.assert_array_equal(again.decode(codes, level), codec.decode(codes, level))
    write_artifact(tmp_path / "other.genapps", {}, {"domain": "audio", "task": "fit"})
    with pytest.raises(InputError, match="holds no codec"):
        WaveCodec.load(tmp_path / "other.genapps")
    kept = read_artifact(path)
    for change in ({"rate": 16_000}, {"shape": {**SMALL.to_json(), "channels": 10**9}}, {"shape": {}}):
        write_artifact(tmp_path / "odd.genapps", kept.tensors, {**kept.header, **change})
        with pytest.raises(InputError, match="does not hold what a codec of waves must"):
            WaveCodec.load(tmp_path / "odd.genapps")


def test_what_is_none_is_refused(codec: WaveCodec) -> None:
    for wrong in (torch.zeros(4, 4, dtype=torch.long), torch.zeros(2, 0, dtype=torch.long), torch.full((2, 3), 16)):
        with pytest.raises(UsageError, match="codes"):
            codec.decode(wrong)
    with pytest.raises(InputError, match="no waves"):
        WaveCodec.fit([], RATE)
    with pytest.raises(UsageError, match="two codes a book"):
        Shape(size=1)


def test_clips_fill_whole_blocks() -> None:
    clips = [torch.arange(6.0).view(3, 2), torch.arange(4.0).view(2, 2)]
    assert blocks_of(clips, 2).tolist() == [[0, 1, 2, 3], [4, 5, 4, 5], [0, 1, 2, 3]]
    waves = [decibels(wave, RATE) for wave in (tones(1)[0], 7 * tones(1)[0])]
    torch.testing.assert_close(*waves, atol=0.01, rtol=0)
    assert float(waves[0].min()) >= -60
    assert levelled(np.zeros(3, np.float32))[1] == 1e-4


def test_it_begins_as_principal_components() -> None:
    rows = torch.randn(300, 4, generator=torch.Generator().manual_seed(0)) @ torch.randn(4, 12) + 5
    net = CodecNet(Shape(together=2, latent=6, channels=4, layers=1, books=2, size=4), 12, torch.Generator())
    net.start(rows, torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(net._whole(net.decoder(net.encoder(net._even(rows.T[None])))), rows.T[None])


def test_each_book_codes_what_is_left() -> None:
    latents = torch.randn(2, 6, 90, generator=torch.Generator().manual_seed(1))
    quantizer = ResidualQuantizer(6, 3, 16)
    quantizer.start(latents.mT.flatten(0, 1), torch.Generator().manual_seed(0))
    found = quantizer(latents)
    torch.testing.assert_close(quantizer.decoded(found.codes), found.latents)
    rest = latents
    for k in range(3):
        nearest = torch.cdist(rest.mT, quantizer.books[k]).argmin(-1)
        assert torch.equal(nearest, found.codes[:, k])
        rest = rest - quantizer.books[k][nearest].mT
    left = [float((latents - quantizer.decoded(found.codes[:, :k])).square().mean().detach()) for k in (1, 2, 3)]
    assert float(latents.square().mean()) > left[0] > left[1] > left[2]


def test_slopes_pass_the_rounding_and_reach_the_books() -> None:
    quantizer = ResidualQuantizer(4, 2, 8)
    quantizer.start(torch.randn(50, 4), torch.Generator().manual_seed(0))
    latents = torch.randn(1, 4, 3, requires_grad=True)
    quantizer(latents).latents.sum().backward()
    assert latents.grad is not None and torch.equal(latents.grad, torch.ones(1, 4, 3))
    assert quantizer.books.grad is not None and float(quantizer.books.grad.sum()) == 2 * 12
