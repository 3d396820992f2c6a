"""Files out of samples, each written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import UsageError
from genapps.io.atomic import replacing
from genapps_audio.records import Wave

WRITTEN = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}
KINDS = {
    "WAV": ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "PCM_U8"),
    "FLAC": ("PCM_16", "PCM_24", "PCM_S8"),
    "OGG": ("VORBIS",),
}


def check_suffix(path: str | Path) -> None:
    """Refuse a format that is not written. Raises UsageError."""
    if Path(path).suffix.lower() not in WRITTEN:
        raise UsageError(f"{path}: {Path(path).suffix!r} is no format that is written; there are: {', '.join(WRITTEN)}")


def write_clip(path: str | Path, wave: Wave, rate: int, subtype: str | None = None) -> None:
    """Write samples (T, C) or (T,) in -1..1, in the format of the suffix; what lies beyond is cut off.

    subtype: how samples are kept, "PCM_16" of WAV and FLAC if not given; "FLOAT" (WAV) keeps them as they are. Raises
    UsageError for a format or subtype that is not written.
    """
    import soundfile

    check_suffix(path)
    kind = WRITTEN[Path(path).suffix.lower()]
    subtype = subtype or KINDS[kind][0]
    if subtype not in KINDS[kind]:
        raise UsageError(f"{path}: {subtype!r} is not written in {kind}; there are: {', '.join(KINDS[kind])}")
    samples = np.asarray(wave, np.float32)
    if subtype != "FLOAT":
        samples = np.clip(samples, -1, 1)
    with (
        replacing(path) as file,
        soundfile.SoundFile(
            file, "w", rate, 1 if samples.ndim == 1 else samples.shape[1], subtype, format=kind
        ) as sound,
    ):
        for start in range(0, len(samples), 2**20):  # libvorbis fails on one very large block
            sound.write(samples[start : start + 2**20])


def write_json(path: str | Path, value: Any) -> None:
    """Write figures as JSON."""
    with replacing(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1, default=str).encode() + b"\n")
