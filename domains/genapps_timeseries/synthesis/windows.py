"""Windows that a model drew, laid one over the end of the other so that they make a series of any length.

Of many windows one is drawn that begins about as the series ends, and both are blended where they overlap: image
quilting (Efros and Freeman, 2001) along time. So a family that knows windows only makes long series, too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genapps_timeseries.series import Floats

CANDIDATES = 200  # windows to choose from at each seam
SHARP = 0.1  # share of the candidates that are likely

Windows = Callable[[int, np.random.Generator], Floats]  # how many, to windows (n, W, C)


def quilted(draw: Windows, rows: int, count: int, generator: np.random.Generator) -> Floats:
    """`count` series (count, rows, C) out of windows that `draw` gives."""
    made = [_one(draw(2 * CANDIDATES, generator), rows, generator) for _ in range(count)]
    return np.stack(made)


def windows_of(sequences: list[Floats], length: int, step: int = 1) -> Floats:
    """All windows (n, length, C) of sequences (T, C), every `step` rows; none of sequences that are shorter."""
    cut = [
        np.lib.stride_tricks.sliding_window_view(one, length, axis=0)[::step].transpose(0, 2, 1)
        for one in sequences
        if len(one) >= length
    ]
    return np.concatenate(cut) if cut else np.zeros((0, length, sequences[0].shape[1]))


def _one(windows: Floats, rows: int, generator: np.random.Generator) -> Floats:
    length = windows.shape[1]
    overlap = max(1, length // 4)
    rise = (np.arange(overlap) + 1)[:, None] / (overlap + 1)
    # Blended noise is less than noise: the weights' squares, not the weights, add up to one.
    kept, new = np.sqrt(1 - rise), np.sqrt(rise)
    series = windows[generator.integers(len(windows))]
    parts, done = [series[:-overlap]], length - overlap
    end = series[-overlap:]
    while done < rows:
        gap = np.square(windows[:, :overlap] - end).mean((1, 2))
        scale = np.quantile(gap, SHARP) + 1e-12
        share = np.exp(-(gap - gap.min()) / scale)
        chosen = windows[generator.choice(len(windows), p=share / share.sum())]
        mean = (1 - rise) * end + rise * chosen[:overlap]
        # Where both agree the mean is right, where they do not it is too calm.
        calm = kept * end + new * chosen[:overlap]
        apart = np.clip(np.square(end - chosen[:overlap]).mean() / 2, 0, 1)
        blended = (1 - apart) * mean + apart * calm
        parts += [blended, chosen[overlap:-overlap]]
        done += length - overlap
        end = chosen[-overlap:]
    return np.concatenate([*parts, end])[:rows]
