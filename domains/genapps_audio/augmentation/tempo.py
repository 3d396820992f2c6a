"""What changes time and pitch: shifts, masks, a phase vocoder, and formants moved as by another throat."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from genapps_audio.augmentation.rows import Rows, frame_length
from genapps_audio.signal.resampling import resample_by
from genapps_audio.signal.spectra import istft, stft

_ENVELOPE = 0.0025  # seconds of the cepstrum that are the spectrum's envelope, not its pitch
_MOST = math.log(10)  # 20 dB that formants may lift or lower a bin by
_BEND = 0.8  # of half the rate, above which the warp returns to where it was


def shifted(rows: Rows, samples: Tensor) -> Rows:
    """Later by so many samples (B,), what leaves at the end coming back at the beginning."""
    place = torch.arange(rows.wave.shape[1])[None]
    source = (place - samples[:, None]) % rows.lengths[:, None]
    return rows.put(rows.wave.gather(1, source))


def silenced(rows: Rows, spans: Sequence[Sequence[tuple[float, float]]]) -> Rows:
    """Silent in spans of (begin, length), shares of each row's length."""
    wave = rows.wave.clone()
    for row, length, own in zip(wave, rows.lengths.tolist(), spans, strict=True):
        for begin, share in own:
            row[int(begin * length) : int((begin + share) * length)] = 0
    return rows.put(wave)


def stretched(rows: Rows, speed: Tensor) -> Rows:
    """Faster by factors (B,), the pitch as it was: a phase vocoder (Flanagan and Golden 1966; Dolson 1986)."""
    n_fft = frame_length(rows.rate)
    hop = n_fft // 4
    lengths = (rows.lengths / speed).round().long().clamp_min(1)
    spectrum = _vocoded(_spectrum(rows, n_fft, hop), speed.double(), hop)
    longest = int(lengths.max())
    return rows.put(istft(spectrum, n_fft, hop, length=longest), lengths)


def _spectrum(rows: Rows, n_fft: int, hop: int) -> Tensor:
    """(B, F, N) with frames that reach beyond the longest, so that no row's end depends on how long others are."""
    return stft(torch.nn.functional.pad(rows.wave, (0, n_fft)), n_fft, hop)


def _vocoded(spectrum: Tensor, speed: Tensor, hop: int) -> Tensor:
    """(B, F, N): frames read at other times, magnitudes between two frames mixed, phases turned on at their pace."""
    rows, bins, frames = spectrum.shape
    padded = torch.nn.functional.pad(spectrum, (0, 2))
    size, phase = padded.abs().double(), padded.angle().double()
    usual = (2 * math.pi * hop / (2 * (bins - 1))) * torch.arange(bins, dtype=torch.float64)[None, :, None]
    turn = phase.diff(dim=2) - usual
    turn = turn - 2 * math.pi * (turn / (2 * math.pi)).round() + usual
    count = math.ceil(frames / float(speed.min()))
    time = torch.arange(count, dtype=torch.float64)[None] * speed[:, None]
    first = time.long().clamp_max(frames)
    share = (time - first).clamp(0, 1)[:, None]
    index = first[:, None].expand(rows, bins, count)
    mixed = size.gather(2, index) * (1 - share) + size.gather(2, index + 1) * share
    turned = turn.gather(2, index).cumsum(2).roll(1, 2)
    turned[..., 0] = 0
    return torch.polar(mixed.float(), (phase[..., :1] + turned).remainder(2 * math.pi).float())


def pitched(rows: Rows, semitones: Tensor) -> Rows:
    """Higher by so many semitones (B,), as long as before: stretched, then read as much faster."""
    ratio = 2 ** (semitones.double() / 12)
    longer = stretched(rows, 1 / ratio)
    lengths = rows.lengths.tolist()
    found = [
        resample_by(wave, 1 / own, length)
        for wave, own, length in zip(longer.alone(), ratio.tolist(), lengths, strict=True)
    ]
    return rows.put(Rows.of(found, rows.rate).wave)


def warped(rows: Rows, factor: Tensor) -> Rows:
    """Formants at frequencies higher by factors (B,), the pitch as it was, as of a shorter vocal tract.

    The envelope of each frame, the low end of its cepstrum, is read at other frequencies, bent so that zero and half
    the rate stay (as in vocal tract length normalisation: Lee and Rose 1996; perturbation: Jaitly and Hinton 2013).
    """
    n_fft = frame_length(rows.rate)
    hop = n_fft // 4
    spectrum = _spectrum(rows, n_fft, hop)
    height = spectrum.abs().clamp_min(1e-7).log()
    cepstrum = torch.fft.irfft(height, n_fft, dim=1)
    kept = max(2, round(_ENVELOPE * rows.rate))
    cepstrum[:, kept : n_fft - kept + 1] = 0
    envelope = torch.fft.rfft(cepstrum, dim=1).real
    bins = envelope.shape[1]
    place = torch.linspace(0, 1, bins)[None]
    knee = _BEND * factor.clamp_max(1)[:, None].float()
    below = place / factor[:, None].float()
    above = 1 - (1 - place) * (1 - knee / factor[:, None].float()) / (1 - knee)
    source = torch.where(place <= knee, below, above).clamp(0, 1) * (bins - 1)
    first = source.long().clamp_max(bins - 2)
    share = (source - first)[:, :, None]
    index = first[:, :, None].expand_as(envelope)
    read = envelope.gather(1, index) * (1 - share) + envelope.gather(1, index + 1) * share
    change = (read - envelope).clamp(-_MOST, _MOST)
    return rows.put(istft(spectrum * change.exp(), n_fft, hop, length=rows.wave.shape[1]))
