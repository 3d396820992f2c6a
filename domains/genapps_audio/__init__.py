"""Audio: a folder of clips in; more of them, variants, the odd ones out, or the words that are spoken.

The names below are loaded when first used, so that `genapps audio --help` imports nothing heavy.
"""

from __future__ import annotations

from genapps.lazy import lazily

_HOMES: dict[str, str] = {
    "AudioModel": "model",
    "Clip": "records",
    "OddModel": "detection.model",
    "Skipped": "records",
    "Study": "generation.fitting",
    "WaveCodec": "codes.codec",
    "augment": "augmentation.tasks",
    "detect": "detection.tasks",
    "evaluate": "evaluation.tasks",
    "fit_clips": "generation.tasks",
    "inspect": "inspecting",
    "learn": "detection.model",
    "open_clips": "reading.clips",
    "read_clip": "reading.decoding",
    "stream": "reading.streaming",
    "write_clip": "writing",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
