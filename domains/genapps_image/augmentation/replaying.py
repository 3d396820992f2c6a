"""Files of an earlier run made again from its manifest, without choosing or learning anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from genapps.errors import InputError, UsageError
from genapps_image.augmentation.annotations import Annotated, read_annotations, write_annotations
from genapps_image.augmentation.generating import CHUNK as CHUNK_DRAWN
from genapps_image.augmentation.generating import drawn
from genapps_image.augmentation.making import IMAGES, Item, Making, maker, write
from genapps_image.augmentation.planning import CHUNK, Wanted
from genapps_image.augmentation.steps import Example, apply, from_json
from genapps_image.model import ImageModel
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Skipped
from genapps_image.writing import encoded

if TYPE_CHECKING:
    from genapps_image.augmentation.tasks import Order


def replay(order: Order, manifest: str, tell: Callable[[str, int, int], None]) -> int:
    """Make the files that a manifest lists, from the same images, into a new folder; how many.

    Raises InputError where the manifest is none, or an image of it is not there any more.
    """
    from genapps_image.augmentation.tasks import MANIFEST, folder

    rows = list(_rows(manifest))
    pictures = open_pictures(order.images)
    numbers = {name: i for i, name in enumerate(pictures.names)}
    annotations = None if order.boxes is None else read_annotations(order.boxes, pictures.names)
    with folder(order.output) as target:
        make = maker(Making(order.images, order.masks, str(target), (), order.visible))
        done = 0
        boxes: list[Annotated] = []
        for item in _items(rows, numbers, manifest):
            if annotations is not None and not isinstance(one := pictures.one(item[0]), Skipped):
                size = (one.pixels.shape[0], one.pixels.shape[1])
                item = (*item[:3], annotations.of(one.name, size)[0])
            try:
                found = make(*item)
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise InputError(f"{manifest}: a step of {pictures.names[item[0]]} cannot be done ({error})") from None
            if isinstance(found, Skipped):
                raise InputError(f"{order.images}: {found.name}: {found.reason}")
            boxes += [made.boxes for made in found]
            done += len(found)
            tell("writing", done, len(rows))
        _generated(rows, manifest, target)
        with (target / MANIFEST).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        if annotations is not None:
            write_annotations(target, annotations.kind, annotations.categories, boxes)
    return len(rows)


def _rows(manifest: str) -> Iterator[dict[str, Any]]:
    path = Path(manifest)
    if not path.is_file():
        raise UsageError(f"{manifest}: no such manifest")
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                place = PurePosixPath(row["file"])
                sound = row["kind"] in ("real", "classical", "generated") and place.parts[0] == IMAGES
                needed = ("label", "chunk_size", "temperature") if row["kind"] == "generated" else ()
                sound &= all(key in row for key in ("source", "steps", *needed)) and _sound_seed(row)
            except (json.JSONDecodeError, RecursionError, KeyError, TypeError, IndexError):
                sound = False
            if not sound or place.is_absolute() or ".." in place.parts:
                raise InputError(f"{manifest}: line {number}: no row of a manifest") from None
            yield row


def _sound_seed(row: dict[str, Any]) -> bool:
    """Whether a generated image says which of its chunk it is."""
    if row["kind"] != "generated":
        return True
    seed: Any = row.get("seed")
    if not (isinstance(seed, list) and len(seed) == 3 and all(isinstance(n, int) and 0 <= n < 2**63 for n in seed)):
        return False
    return bool(seed[2] < row["chunk_size"] <= CHUNK_DRAWN)


def _items(rows: list[dict[str, Any]], numbers: dict[str, int], manifest: str) -> Iterator[Item]:
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["kind"] != "generated":
            by_source.setdefault(str(row["source"]), []).append(row)
    for source, group in by_source.items():
        if source not in numbers:
            raise InputError(f"{manifest}: made of {source}, which is not among the images")
        wanted = [Wanted(row["file"].partition("/")[2], steps=row["steps"]) for row in group]
        for start in range(0, len(wanted), CHUNK):
            yield numbers[source], str(group[0].get("label") or ""), wanted[start : start + CHUNK], ()


def _generated(rows: list[dict[str, Any]], manifest: str, target: Path) -> None:
    beside = Path(manifest).parent
    models: dict[str, ImageModel] = {}
    held: tuple[Any, Any] = (None, None)
    for row in rows:
        if row["kind"] != "generated":
            continue
        name = PurePosixPath(str(row["source"])).name
        model = models.get(name) or ImageModel.load(beside / name)
        models[name] = model
        seed, chunk, k = row["seed"]
        key = (name, row["label"], seed, chunk)
        if held[0] != key:
            label = row["label"] if model.classes else None
            held = (key, drawn(model, label, chunk, row["chunk_size"], seed, row["temperature"]))
        pixels = model.codec.decode(held[1][k : k + 1])[0]
        try:
            new = apply(Example(pixels), from_json(row["steps"])).pixels
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise InputError(f"{manifest}: a step of {row['file']} cannot be done ({error})") from None
        write(target / row["file"], encoded(new, Path(row["file"]).suffix))
