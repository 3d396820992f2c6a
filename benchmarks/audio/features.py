"""Cepstra of 3,000 short clips and waves from magnitudes, beside librosa: equal, and at what processor time.

    python benchmarks/audio/features.py cepstra
    python benchmarks/audio/features.py phases

One thread. Cepstra and their slopes of all clips of spoken digits, as librosa is called (a clip at a time), and as
`genapps_audio.signal.ragged.mfccs` does it; the difference is of the largest value that librosa gives. Waves: spectral
convergence (20 log10 of the error's norm beside the norm of what was asked; lower is nearer) and processor seconds of
Griffin and Lim's algorithm after 8, 32 and 100 rounds, means over clips and seeds.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import librosa
import numpy as np
import torch
from keep import read, write
from sets import folder

from genapps_audio.reading.clips import open_clips
from genapps_audio.signal.phase import griffin_lim, spectral_convergence
from genapps_audio.signal.ragged import Bands, mfccs

SETTINGS = (Bands(8_000, 256, 80, 40), Bands(8_000, 512, 128, 64), Bands(8_000, 2_048, 512, 128))
WIDTH, COUNT = 9, 13
ROUNDS, SEEDS, SECONDS = (8, 32, 100), 3, 3.0
FFT, HOP = 1_024, 256


def of_librosa(wave: np.ndarray, bands: Bands) -> np.ndarray:
    """(26, T): cepstra and slopes; slopes of what is too short for librosa over the width that fits, or zeros."""
    found = librosa.feature.mfcc(
        y=wave, sr=bands.rate, n_mfcc=COUNT, n_fft=bands.n_fft, hop_length=bands.hop, n_mels=bands.n_mels
    )
    width = min(WIDTH, found.shape[1] - 1 + found.shape[1] % 2)
    slopes = librosa.feature.delta(found, width=width) if width >= 3 else np.zeros_like(found)
    return np.concatenate([found, slopes])


def cepstra(waves: list[np.ndarray]) -> list[dict[str, Any]]:
    """A row a setting; both are called once before the clock runs."""
    rows = []
    for bands in SETTINGS:
        of_librosa(waves[0], bands)
        mfccs(waves[:20], bands, COUNT, 1, WIDTH)
        begun = time.process_time()
        theirs = [of_librosa(wave, bands) for wave in waves]
        slow = time.process_time() - begun
        begun = time.process_time()
        ours = mfccs(waves, bands, COUNT, 1, WIDTH)
        fast = time.process_time() - begun
        far = max(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, theirs, strict=True))
        top = max(float(np.abs(b).max()) for b in theirs)
        row = {**bands.to_json(), "clips": len(waves), "librosa_seconds": slow}
        rows.append({**row, "seconds": fast, "times_faster": slow / fast, "greatest_difference": far / top})
        print(f"n_fft {bands.n_fft:5}: librosa {slow:.2f} s, ours {fast:.2f} s, x {slow / fast:.1f}, {far / top:.1e}")
    return rows


def phases() -> list[dict[str, Any]]:
    """A row a clip and a number of rounds."""
    rows = []
    for clip in open_clips(folder("librosa_examples"), mono=True):
        wave = clip.wave[: int(SECONDS * clip.rate), 0]
        magnitude = np.abs(librosa.stft(wave, n_fft=FFT, hop_length=HOP))
        asked = torch.from_numpy(magnitude)
        for rounds in ROUNDS:
            found: dict[str, list[float]] = {"ours": [], "librosa": []}
            spent = {"ours": 0.0, "librosa": 0.0}
            for seed in range(SEEDS):
                begun = time.process_time()
                generator = torch.Generator().manual_seed(seed)
                made = griffin_lim(asked, FFT, HOP, length=len(wave), rounds=rounds, generator=generator)
                spent["ours"] += time.process_time() - begun
                begun = time.process_time()
                settings = {"n_iter": rounds, "hop_length": HOP, "length": len(wave)}
                theirs = librosa.griffinlim(magnitude, random_state=seed, **settings)
                spent["librosa"] += time.process_time() - begun
                for name, one in (("ours", made), ("librosa", torch.from_numpy(theirs))):
                    found[name].append(float(spectral_convergence(one[None], asked[None], FFT, HOP)))
            row = {"clip": clip.name, "seconds_of_sound": len(wave) / clip.rate, "rounds": rounds}
            for name in found:
                row |= {f"{name}_db": float(np.mean(found[name])), f"{name}_seconds": spent[name] / SEEDS}
            rows.append(row)
            print(f"{clip.name:28} {rounds:3}: ours {row['ours_db']:.2f} dB, librosa {row['librosa_db']:.2f} dB")
    return rows


def main(part: str) -> None:
    torch.set_num_threads(1)
    before = read("features")
    rows = [row for row in before.get("rows", []) if row["part"] != part]
    summary: dict[str, Any] = before.get("summary", {})
    if part == "cepstra":
        own = cepstra([clip.mono for clip in open_clips(folder("fsdd"))])
        summary["times_faster"] = [row["times_faster"] for row in own]
        summary["greatest_difference"] = max(row["greatest_difference"] for row in own)
    else:
        own = phases()
        for rounds in ROUNDS:
            mine = [row for row in own if row["rounds"] == rounds]
            summary[f"rounds_{rounds}"] = {
                key: float(np.mean([row[key] for row in mine]))
                for key in ("ours_db", "librosa_db", "ours_seconds", "librosa_seconds")
            }
    print(summary)
    settings = {"threads": 1, "n_mfcc": COUNT, "width": WIDTH, "seeds": SEEDS, "n_fft": FFT, "hop": HOP}
    versions = {"librosa": librosa.__version__, "torch": torch.__version__}
    write("features", rows + [{"part": part, **row} for row in own], {**settings, **versions}, summary)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cepstra")
