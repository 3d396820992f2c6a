"""Where new clips go: a folder of files, or one file with all in a row; each with a manifest of how they were made.

Clips come in parts, so that memory does not grow with their number; only one file of all holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genapps.errors import UsageError
from genapps.io.atomic import check_target
from genapps.io.placing import check_folder
from genapps_audio.model import AudioModel
from genapps_audio.records import Wave
from genapps_audio.writing import WRITTEN, write_clip, write_json

PART = 100  # clips drawn at once
MOST_IN_A_ROW = 2000
GAP = 0.25  # seconds between clips in a row
_BEGINS = b'{\n "made_by": "genapps audio sample"'


@dataclass(frozen=True)
class Wish:
    """What is asked of a model: so many clips, of a class or of all, of a length, and how they are drawn."""

    n: int
    label: str | None = None
    seconds: float | None = None
    temperature: float = 1.0
    seed: int = 0
    top_p: float | None = None


@dataclass(frozen=True)
class Drawn:
    """Waves (T,) and the class of each, or None."""

    waves: list[Wave]
    labels: list[str] | None


def check_wish(model: AudioModel, wish: Wish) -> None:
    """Raise UsageError for a class, a length or a share that the model does not make, before anything is written."""
    model.check_seconds(wish.seconds)
    model.check_top_p(wish.top_p)
    model.labels_for(1, wish.label, torch.Generator())


def drawn(model: AudioModel, wish: Wish, progress: Callable[[int, int], None] | None = None) -> Iterator[Drawn]:
    """Clips in parts; the same wish gives the same clips."""
    draws = torch.Generator().manual_seed(wish.seed)
    for first in range(0, wish.n, PART):
        count = min(PART, wish.n - first)
        made = model.sample(
            count, wish.label, seconds=wish.seconds, temperature=wish.temperature, top_p=wish.top_p, generator=draws
        )
        names = None if made.labels is None else [model.classes[k] for k in made.labels.tolist()]
        yield Drawn(model.codec.decode(made.patches, made.seconds, made.levels, draws), names)
        if progress is not None:
            progress(first + count, wish.n)


def check_place(place: str, n: int) -> None:
    """Raise UsageError unless clips can go there: to a new folder, or to one file for all in a row.

    A file that is there is replaced only with the manifest of an earlier result beside it.
    """
    if is_folder(place):
        check_folder(place, [])
        return
    path = Path(place)
    if path.suffix.lower() not in WRITTEN:
        raise UsageError(f"{place}: name a folder/, or one file for all in a row such as made.wav")
    if n > MOST_IN_A_ROW:
        raise UsageError(f"{n:,} clips are too many for one file of {MOST_IN_A_ROW:,}; name a folder/")
    manifest = path.with_suffix(".json")
    for one in places(place):
        check_target(one)
        if one.is_file() and not _is_manifest(manifest):
            raise UsageError(f"{one}: is there, and no earlier result of sample; choose another name")


def places(place: str) -> list[Path]:
    """The folder, or the file and its manifest, that clips go to."""
    path = Path(place)
    return [path] if is_folder(place) else [path, path.with_suffix(".json")]


def is_folder(place: str) -> bool:
    """Whether a place is to be a folder of files."""
    return place.endswith("/") or not Path(place).suffix or Path(place).is_dir()


def _is_manifest(path: Path) -> bool:
    """Whether a file begins as the manifests that `deliver` writes do."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_BEGINS)) == _BEGINS


def deliver(place: str, parts: Iterable[Drawn], model: AudioModel, wish: Wish, about: dict[str, Any]) -> list[str]:
    """Write the clips and their manifest; returns the paths of what was written, the manifest last.

    about: what the manifest says of them all.
    """
    check_place(place, wish.n)
    path = Path(place)
    if is_folder(place):
        rows, manifest = _write_folder(path, parts, model), path / "manifest.json"
    else:
        rows, manifest = _write_row(path, parts, model.codec.rate), path.with_suffix(".json")
    write_json(manifest, {"made_by": "genapps audio sample", **about, "clips": rows})
    return [str(path), str(manifest)]


def _write_folder(folder: Path, parts: Iterable[Drawn], model: AudioModel) -> list[dict[str, Any]]:
    """A WAV a clip, in the folder of its class where there are classes."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    folders = folders_of(model.classes)
    for part in parts:
        for k, wave in enumerate(part.waves):
            label = None if part.labels is None else part.labels[k]
            name = f"{'' if label is None else folders[label] + '/'}{len(rows) + 1:06}.wav"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_clip(folder / name, wave, model.codec.rate)
            rows.append(_row({"file": name}, label, wave, model.codec.rate))
    return rows


def _write_row(path: Path, parts: Iterable[Drawn], rate: int) -> list[dict[str, Any]]:
    """All clips one after the other, with a short silence between them."""
    rows: list[dict[str, Any]] = []
    waves: list[Wave] = []
    begin = 0
    silence = np.zeros(round(GAP * rate), np.float32)
    for part in parts:
        for k, wave in enumerate(part.waves):
            label = None if part.labels is None else part.labels[k]
            rows.append(_row({"at": round(begin / rate, 4)}, label, wave, rate))
            waves += [wave, silence]
            begin += len(wave) + len(silence)
    write_clip(path, np.concatenate(waves[:-1]), rate)
    return rows


def _row(place: dict[str, Any], label: str | None, wave: Wave, rate: int) -> dict[str, Any]:
    about = {"seconds": round(len(wave) / rate, 4), "peak": round(float(np.abs(wave).max()), 4)}
    return {**place, **({} if label is None else {"label": label}), **about}


def folders_of(classes: Sequence[str]) -> dict[str, str]:
    """A folder for each class: its name, less what could lead elsewhere."""
    found: dict[str, str] = {}
    for name in classes:
        plain = re.sub(r"[^\w .,+-]", "_", name)[:80].strip(" .") or "_"
        found[name] = plain if plain not in found.values() else f"{plain}_{len(found)}"
    return found
