"""Where new images go: a folder, one sheet, or one file of arrays; each with a manifest of how they were made.

Images come in parts, so that memory does not grow with their number; only a sheet holds them all.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genapps.errors import UsageError
from genapps.io.atomic import check_target, replacing
from genapps_image.model import ImageModel
from genapps_image.placing import check_folder
from genapps_image.records import Bytes
from genapps_image.writing import WRITTEN, sheet, write_image, write_json

PART = 250  # images drawn at once
MOST_ON_SHEET = 2500
_BEGINS = b'{\n "made_by": "genapps image sample"'
Drawn = tuple[list[Bytes], list[str] | None]  # pixels (H, W, C) of each, and the class of each


@dataclass(frozen=True)
class Wish:
    """What is asked of a model: so many images, of a class or of all, and how they are drawn."""

    n: int
    label: str | None = None
    temperature: float = 1.0
    seed: int = 0


def drawn(model: ImageModel, wish: Wish, progress: Callable[[int, int], None] | None = None) -> Iterator[Drawn]:
    """Images in parts; the same wish gives the same images."""
    draws = torch.Generator().manual_seed(wish.seed)
    for first in range(0, wish.n, PART):
        count = min(PART, wish.n - first)
        labels = model.labels_for(count, wish.label, draws)
        images = model.draw(count, labels, temperature=wish.temperature, generator=draws)
        names = None if labels is None else [model.classes[k] for k in labels.tolist()]
        yield model.codec.decode(images), names
        if progress is not None:
            progress(first + count, wish.n)


def check_place(place: str, n: int) -> None:
    """Raise UsageError unless images can go there: to a new folder, .npz, or an image's suffix for a sheet.

    A file that is there is replaced only with the manifest of an earlier result beside it.
    """
    if _is_folder(place):
        check_folder(place, [])
        return
    path, suffix = Path(place), Path(place).suffix.lower()
    if suffix != ".npz" and suffix not in WRITTEN:
        raise UsageError(f"{place}: name a folder/, a sheet such as sheet.png, or an array file such as images.npz")
    if suffix != ".npz" and n > MOST_ON_SHEET:
        raise UsageError(f"{n:,} images are too many for one sheet of {MOST_ON_SHEET:,}; name a folder/ or a .npz file")
    manifest = path.with_suffix(".json")
    for one in (path, manifest):
        check_target(one)
        if one.is_file() and not _is_manifest(manifest):
            raise UsageError(f"{one}: is there, and no earlier result of sample; choose another name")


def _is_folder(place: str) -> bool:
    return place.endswith("/") or not Path(place).suffix or Path(place).is_dir()


def _is_manifest(path: Path) -> bool:
    """Whether a file begins as the manifests that `deliver` writes do."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_BEGINS)) == _BEGINS


def deliver(place: str, parts: Iterable[Drawn], model: ImageModel, wish: Wish, about: dict[str, Any]) -> list[str]:
    """Write the images and their manifest; returns the paths of what was written, the manifest last.

    about: what the manifest says of them all.
    """
    check_place(place, wish.n)
    path = Path(place)
    if _is_folder(place):
        rows, manifest = _write_folder(path, parts, model.classes), path / "manifest.json"
    elif path.suffix.lower() == ".npz":
        rows, manifest = _write_arrays(path, parts, model, wish.n), path.with_suffix(".json")
    else:
        rows, manifest = _write_sheet(path, parts), path.with_suffix(".json")
    write_json(manifest, {"made_by": "genapps image sample", **about, "images": rows})
    return [str(path), str(manifest)]


def _write_folder(folder: Path, parts: Iterable[Drawn], classes: Sequence[str]) -> list[dict[str, Any]]:
    """One PNG an image, in the folder of its class where there are classes."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    folders = _folders(classes)
    for images, labels in parts:
        for k, pixels in enumerate(images):
            own = "" if labels is None else f"{folders[labels[k]]}/"
            name = f"{own}{len(rows) + 1:06}.png"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_image(folder / name, pixels)
            rows.append({"file": name, **({} if labels is None else {"label": labels[k]})})
    return rows


def _folders(classes: Sequence[str]) -> dict[str, str]:
    """A folder for each class: its name, less what could lead elsewhere; the names may come from a file's column."""
    found: dict[str, str] = {}
    for name in classes:
        plain = re.sub(r"[^\w .,+-]", "_", name)[:80].strip(" .") or "_"
        found[name] = plain if plain not in found.values() else f"{plain}_{len(found)}"
    return found


def _write_sheet(path: Path, parts: Iterable[Drawn]) -> list[dict[str, Any]]:
    images: list[Bytes] = []
    rows: list[dict[str, Any]] = []
    for part, labels in parts:
        images += part
        rows += [
            {"place": len(rows) + k + 1, **({} if labels is None else {"label": labels[k]})} for k in range(len(part))
        ]
    write_image(path, sheet(images))
    return rows


def _write_arrays(path: Path, parts: Iterable[Drawn], model: ImageModel, n: int) -> list[dict[str, Any]]:
    """`images` (n, H, W), or (n, H, W, C) of colors, and `labels` (n,) as texts; written part by part."""
    codec = model.codec
    shape = (n, codec.height, codec.width) + ((codec.channels,) if codec.channels > 1 else ())
    names: list[str] = []
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        with pack.open(_entry("images.npy"), "w", force_zip64=True) as entry:
            head = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(entry, head)
            for images, labels in parts:
                entry.write(np.stack(images).tobytes())
                names += labels or []
        if names:
            held = io.BytesIO()
            np.lib.format.write_array(held, np.array(names), allow_pickle=False)
            pack.writestr(_entry("labels.npy"), held.getvalue())
    return [{"row": k, "label": name} for k, name in enumerate(names)]


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry without the time of day: the same images are the same bytes."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
