"""Music: a folder of scores in; new pieces, continuations, voices, and how good any piece is.

The names below are loaded when first used, so that `genapps music --help` imports nothing heavy.
"""

from __future__ import annotations

from genapps.lazy import lazily

_HOMES: dict[str, str] = {
    "Codec": "codec",
    "Layout": "grid",
    "MusicModel": "model",
    "Note": "score",
    "Part": "score",
    "Score": "score",
    "Scores": "reading.folder",
    "open_scores": "reading.folder",
    "read_score": "reading.files",
    "draw": "writing.picture",
    "evaluate": "judging.tasks",
    "judge": "judging.judging",
    "render": "writing.sound",
    "write_score": "writing.files",
    "write_wave": "writing.files",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
