"""The codec: shapes, books that mend what is left, codes as tokens and back, and a tone that is learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.io.artifact import write_artifact
from genapps_audio.codes.codec import WaveCodec, levelled
from genapps_audio.codes.learning import spectral_loss
from genapps_audio.codes.network import CodecNet, Shape
from genapps_audio.codes.quantizing import Book, ResidualQuantizer

SMALL = Shape(channels=4, strides=(4, 4), latent=8, books=2, size=16, dimensions=4)
RATE = 4000


def tones(count: int) -> list[np.ndarray]:
    """Tones of 300 to 600 Hz."""
    time, draws = np.arange(2000) / RATE, np.random.default_rng(0)
    return [np.sin(2 * np.pi * draws.uniform(300, 600) * time).astype(np.float32) for _ in range(count)]


@pytest.fixture(scope="module")
def codec() -> WaveCodec:
    return WaveCodec.fit(tones(20), RATE, shape=SMALL, steps=80, seed=0, device="cpu")


@pytest.mark.parametrize("strides", [(2,), (3, 5), (4, 4), (1, 7)])
def test_a_wave_becomes_as_many_frames_as_its_hops_and_comes_back_as_long(strides: tuple[int, ...]) -> None:
    shape = Shape(channels=2, strides=strides, latent=3, books=2, size=4, dimensions=2)
    net = CodecNet(shape, torch.Generator().manual_seed(0))
    waves, found = net(torch.randn(3, 1, 6 * shape.hop))
    assert found.codes.shape == (3, 2, 6)
    assert waves.shape == (3, 1, 6 * shape.hop)


def test_learning_brings_spectra_nearer(codec: WaveCodec) -> None:
    untaught = WaveCodec(CodecNet(SMALL, torch.Generator().manual_seed(0)), RATE)
    truth = torch.from_numpy(np.stack([levelled(wave)[0] for wave in tones(30)[20:]]))
    far = []
    for one in (codec, untaught):
        made = [one.decode(one.encode(wave.numpy())[0], 1.0, 2000) for wave in truth]
        far.append(float(spectral_loss(torch.from_numpy(np.stack(made)), truth, RATE)))
    assert far[0] < 0.8 * far[1]


def test_length_and_loudness_come_back(codec: WaveCodec) -> None:
    wave = 0.1 * tones(1)[0][:1001]
    codes, level = codec.encode(wave)
    assert codes.shape == (2, 63)
    assert level == pytest.approx(float(np.sqrt(np.mean(wave**2))), rel=1e-5)
    assert len(codec.decode(codes, level, 1001)) == 1001
    quiet = codec.decode(codes, level / 10, 1001)
    np.testing.assert_allclose(10 * quiet, codec.decode(codes, level, 1001), rtol=1e-4, atol=1e-7)


def test_codes_are_tokens_and_come_back(codec: WaveCodec) -> None:
    codes, _ = codec.encode(tones(1)[0])
    tokens = codec.to_tokens(codes)
    assert tokens[:4].tolist() == [int(codes[0, 0]), 16 + int(codes[1, 0]), int(codes[0, 1]), 16 + int(codes[1, 1])]
    assert torch.equal(codec.from_tokens(tokens), codes)
    assert torch.equal(codec.from_tokens(tokens[:-1]), codes[:, :-1])
    space = codec.tokens(codes.shape[1])
    assert (space.size, space.longest) == (32, tokens.numel())
    assert int(tokens.max()) < space.size


def test_bits_a_second(codec: WaveCodec) -> None:
    assert codec.bit_rate() == 2 * 4 * RATE / 16
    assert codec.bit_rate(1) == codec.bit_rate() / 2


def test_a_codec_is_kept(codec: WaveCodec, tmp_path: Path) -> None:
    codec.save(tmp_path / "codec.genapps")
    again = WaveCodec.load(tmp_path / "codec.genapps")
    codes, level = codec.encode(tones(2)[1])
    assert torch.equal(again.encode(tones(2)[1])[0], codes)
    np.testing.assert_array_equal(again.decode(codes, level), codec.decode(codes, level))
    write_artifact(tmp_path / "other.genapps", {}, {"domain": "audio", "task": "fit"})
    with pytest.raises(InputError, match="holds no codec"):
        WaveCodec.load(tmp_path / "other.genapps")


def test_codes_that_are_none_are_refused(codec: WaveCodec) -> None:
    for wrong in (torch.zeros(3, 4, dtype=torch.long), torch.zeros(2, 0, dtype=torch.long), torch.full((2, 3), 16)):
        with pytest.raises(UsageError, match="codes"):
            codec.decode(wrong)
    with pytest.raises(InputError, match="no waves"):
        WaveCodec.fit([], RATE)
    with pytest.raises(UsageError, match="two codes a book"):
        Shape(size=1)


def test_each_book_codes_what_is_left() -> None:
    quantizer = ResidualQuantizer(6, 3, 32, 4, torch.Generator().manual_seed(0))
    latents = torch.randn(2, 6, 9, generator=torch.Generator().manual_seed(1))
    found = quantizer(latents)
    torch.testing.assert_close(quantizer.decoded(found.codes), found.latents)
    first = quantizer.books[0]
    assert isinstance(first, Book)
    codes, _ = first.nearest(latents)
    assert torch.equal(codes, found.codes[:, 0])
    second = quantizer.books[1]
    assert isinstance(second, Book)
    rest = latents - first.out(first.looked_up(codes))
    assert torch.equal(second.nearest(rest)[0], found.codes[:, 1])


def test_the_nearest_code_is_that_of_the_nearest_direction() -> None:
    book = Book(5, 8, 3, torch.Generator().manual_seed(0))
    latents = torch.randn(1, 5, 20, generator=torch.Generator().manual_seed(1))
    codes, low = book.nearest(latents)
    for t in range(20):
        angles = torch.nn.functional.cosine_similarity(low[0, :, t][None], book.codes)
        assert int(angles.argmax()) == int(codes[0, t])


def test_codes_that_are_never_used_begin_anew() -> None:
    book = Book(4, 6, 2, torch.Generator().manual_seed(0))
    low = torch.randn(1, 2, 10, generator=torch.Generator().manual_seed(1))
    before = book.codes.detach().clone()
    chosen = torch.tensor([[0, 1] * 5])
    for _ in range(400):
        book.count(chosen, low, False, torch.Generator())
    assert torch.equal(book.codes, before)
    book.count(chosen, low, True, torch.Generator().manual_seed(0))
    assert torch.equal(book.codes[:2], before[:2])
    rows = low[0].T
    assert all(bool((row == rows).all(1).any()) for row in book.codes[2:])


def test_slopes_pass_the_rounding() -> None:
    quantizer = ResidualQuantizer(4, 2, 8, 2, torch.Generator().manual_seed(0))
    latents = torch.randn(1, 4, 3, requires_grad=True)
    quantizer(latents).latents.sum().backward()
    assert latents.grad is not None and float(latents.grad.abs().sum()) > 0


def test_the_loss_is_none_for_the_same_and_grows_with_noise() -> None:
    waves = torch.from_numpy(np.stack(tones(2)))
    noise = torch.randn(waves.shape, generator=torch.Generator().manual_seed(0))
    assert float(spectral_loss(waves, waves, RATE)) == 0
    low, high = (float(spectral_loss(waves + share * noise, waves, RATE)) for share in (0.01, 0.1))
    assert 0 < low < high
