"""The codec of waves: how near a clip comes back at a few thousand bits a second, beside mu-law and mel bands.

    python benchmarks/audio/codes.py

Learnt on takes 5 to 49 of the Free Spoken Digit Dataset, measured on 100 clips of takes 0 to 4, which no setting was
chosen by: the rate of learning, the width and the number of books were tried on takes 5 to 9, learning from those after
them. Log-spectral distance: root mean square over frequency of differences in dB (no lower than 60 dB below a loudness
of one), mean over time; spectral convergence: 20 log10 of the error of magnitudes beside their norm; named rightly: the
digits of the clips that came back, by a support vector machine that learnt from real clips; used: how many codes of a
book are as good as in use in these clips, exp of their entropy. Beside it: the codec before its first step, which is
principal components and centers of clusters; mu-law, whose bits a second are samples times bits; Griffin and Lim's
phases of exact magnitudes, of mel bands (pseudo-inverse), and of the 40 principal components that the families learn,
all with 48 rounds, whose bits nobody counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import keep
import numpy as np
import torch
from digits_made import DIGITS, labelled, recordings
from torch import Tensor

from genapps_audio.codec import Batch, gather
from genapps_audio.codes.codec import WaveCodec, levelled
from genapps_audio.evaluation.features import accuracy, cepstra
from genapps_audio.generation.tasks import preset_of
from genapps_audio.generation.views import Basis
from genapps_audio.records import Clip, Wave
from genapps_audio.signal.companding import from_mu_law, mu_law
from genapps_audio.signal.mel import mel_filters
from genapps_audio.signal.phase import griffin_lim
from genapps_audio.signal.spectra import stft

N_FFT, HOP, ROUNDS, CLIPS = 256, 64, 48, 100
_FOUR = 4  # books


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, help="of learning; the codec's own number if not given")
    parser.add_argument("--develop", action="store_true", help="takes 5 to 9 for the test; nothing is written")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    first = 5 if asked.develop else 0
    train, test = recordings(range(first + 5, 50)), recordings(range(first, first + 5))
    learnt = [one.mono for one in train]
    chosen = test.take(
        torch.randperm(len(test), generator=torch.Generator().manual_seed(0))[:CLIPS].sort().values.tolist()
    )
    clips = list(chosen)
    began = time.process_time()
    codec = WaveCodec.fit(learnt, 8000, steps=asked.steps, device="cpu")
    spent = time.process_time() - began
    start = WaveCodec.fit(learnt, 8000, steps=1, device="cpu")
    basis = Basis.of(torch.cat([decibels(levelled(wave)[0]) for wave in learnt[::5]]), 40)
    ways: list[tuple[str, float | None, Callable[[Wave], Wave]]] = [
        *(
            (f"codec, {books} books", codec.bit_rate(books), coded(codec, books))
            for books in range(1, codec.shape.books + 1)
        ),
        (f"codec before learning, {_FOUR} books", start.bit_rate(_FOUR), coded(start, _FOUR)),
        *((f"mu-law, {bits} bits", 8000.0 * bits, companded(2**bits)) for bits in (3, 4, 6, 8)),
        ("exact magnitudes", None, phased(lambda magnitude: magnitude)),
        *((f"mel, {bands} bands", None, phased(through_mel(bands))) for bands in (40, 80)),
        ("40 principal components", None, phased(through(basis))),
    ]
    real = labelled(train, preset_of(train, "cpu").codec)
    rows: list[dict[str, Any]] = [measured("*as they are*", None, lambda wave: wave, clips, real)]
    for name, bits, way in ways:
        rows.append(measured(name, bits, way, clips, real))
        print(rows[-1], flush=True)
    shape = {**codec.shape.to_json(), "weights": sum(one.numel() for one in codec.net.parameters())}
    used = perplexities(codec, clips)
    told = {"clips": len(clips), "cpu_seconds": round(spent, 1), "used": used, "shape": shape, **codec.card}
    if not asked.develop:
        keep.write("codes", rows, told)


def perplexities(codec: WaveCodec, clips: list[Clip]) -> list[float]:
    """How many codes of each book are as good as in use."""
    codes = torch.cat([codec.encode(one.mono)[0] for one in clips], 1)
    shares = torch.stack([torch.bincount(book, minlength=codec.shape.size) for book in codes]).double() / codes.shape[1]
    found: list[float] = torch.special.entr(shares).sum(1).exp().tolist()
    return [round(one, 1) for one in found]


def measured(
    name: str, bits: float | None, way: Callable[[Wave], Wave], clips: list[Clip], real: Batch
) -> dict[str, Any]:
    """Figures of clips that went one way and came back."""
    back = [Clip(one.name, way(one.mono)[:, None], 8000, one.label) for one in clips]
    pairs = [
        (levelled(one.mono)[0], again.mono / levelled(one.mono)[1]) for one, again in zip(clips, back, strict=True)
    ]
    codec = preset_codec(real)
    batch = gather(back, codec, DIGITS)
    assert real.labels is not None and batch.labels is not None
    teaching = cepstra(real.patches, real.seconds, codec), real.labels
    return {
        "name": name,
        "bits_a_second": bits,
        "log_spectral_db": float(np.mean([distance(made, truth) for truth, made in pairs])),
        "convergence_db": float(np.mean([convergence(made, truth) for truth, made in pairs])),
        "named": accuracy(teaching, (cepstra(batch.patches, batch.seconds, codec), batch.labels)),
    }


def preset_codec(batch: Batch) -> Any:
    """The codec of a batch's patches: all are at 8 kHz."""
    from genapps_audio.codec import Codec

    return Codec(8000, batch.patches.shape[1], 1.0)


def decibels(wave: Wave) -> Tensor:
    """(T', F), none 60 dB below a loudness of one."""
    magnitude = stft(torch.from_numpy(np.ascontiguousarray(wave)), N_FFT, HOP).abs() / (N_FFT / 4)
    return (20 * (magnitude + 1e-3).log10()).mT


def distance(made: Wave, truth: Wave) -> float:
    """In dB."""
    return float((decibels(made) - decibels(truth)).square().mean(1).sqrt().mean())


def convergence(made: Wave, truth: Wave) -> float:
    """In dB; what is the same has no more than -120."""
    one, other = (stft(torch.from_numpy(np.ascontiguousarray(wave)), N_FFT, HOP).abs() for wave in (made, truth))
    return float(20 * (torch.linalg.norm(one - other) / torch.linalg.norm(other)).clamp_min(1e-6).log10())


def coded(codec: WaveCodec, books: int) -> Callable[[Wave], Wave]:
    """By the first books."""

    def way(wave: Wave) -> Wave:
        codes, level = codec.encode(wave)
        return codec.decode(codes[:books], level, len(wave))

    return way


def companded(levels: int) -> Callable[[Wave], Wave]:
    """Each sample as one of so many levels of the clip's own scale."""

    def way(wave: Wave) -> Wave:
        top = max(float(np.abs(wave).max()), 1e-6)
        found: Wave = (from_mu_law(mu_law(torch.from_numpy(wave / top), levels), levels) * top).numpy()
        return found

    return way


def phased(change: Callable[[Tensor], Tensor]) -> Callable[[Wave], Wave]:
    """Magnitudes (F, T') changed, phases found."""

    def way(wave: Wave) -> Wave:
        even, level = levelled(wave)
        magnitude = stft(torch.from_numpy(even), N_FFT, HOP).abs()
        draws = torch.Generator().manual_seed(0)
        found: Wave = griffin_lim(
            change(magnitude)[None], N_FFT, HOP, length=len(wave), rounds=ROUNDS, generator=draws
        )[0].numpy()
        return found * level

    return way


def through_mel(bands: int) -> Callable[[Tensor], Tensor]:
    """Magnitudes from mel bands of them."""
    filters = mel_filters(8000, N_FFT, bands)
    back = torch.linalg.pinv(filters)
    return lambda magnitude: (back @ (filters @ magnitude)).clamp_min(0)


def through(basis: Basis) -> Callable[[Tensor], Tensor]:
    """Magnitudes from principal components of their logarithms."""

    def change(magnitude: Tensor) -> Tensor:
        logs = 20 * (magnitude / (N_FFT / 4) + 1e-3).log10()
        return 10 ** (basis.restore(basis.project(logs.mT)).mT / 20) * (N_FFT / 4)

    return change


if __name__ == "__main__":
    main()
