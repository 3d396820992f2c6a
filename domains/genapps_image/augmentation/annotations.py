"""Boxes of images as files have them: COCO's JSON, YOLO's folder of texts, or CSV; what is wrong costs its row."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from genapps.errors import InputError, UsageError
from genapps.io.folders import utf8
from genapps_image.augmentation.boxes import Box, Refused, within
from genapps_image.augmentation.geometry import Size

Kind = Literal["coco", "yolo", "csv"]
MOST_BYTES = 512 * 2**20  # of one file
_FILE = ("file", "image", "filename", "file_name", "name", "path", "image_path")
_LABEL = ("label", "class", "category", "class_name")
_CORNERS = (("xmin", "ymin", "xmax", "ymax"), ("x0", "y0", "x1", "y1"), ("x1", "y1", "x2", "y2"))
_SIDES = ("x", "y", "width", "height")
_CLASS_FILES = ("classes.txt", "obj.names", "labels.names")


@dataclass
class Annotations:
    """Boxes by the name of their image.

    relative: sides are shares of the image's. sizes: what the file says of an image. refused: rows that name no image
    or hold no box.
    """

    kind: Kind
    categories: list[str] = field(default_factory=list)
    boxes: dict[str, list[Box]] = field(default_factory=lambda: defaultdict(list))
    sizes: dict[str, Size] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    relative: bool = False

    def of(self, name: str, size: Size) -> tuple[tuple[Box, ...], list[Refused]]:
        """The boxes of an image of that size, and those that it cannot have."""
        height, width = size
        rows = self.boxes.get(name, [])
        if self.sizes.get(name, size) != size:
            said = self.sizes[name]
            why = f"{name} is said to be {said[1]} x {said[0]}, and is {width} x {height}"
            return (), [Refused(box.row, why) for box in rows]
        if self.relative:
            rows = [
                replace(box, x0=box.x0 * width, y0=box.y0 * height, x1=box.x1 * width, y1=box.y1 * height)
                for box in rows
            ]
        found = [within(box, size) for box in rows]
        return tuple(one for one in found if isinstance(one, Box)), [one for one in found if isinstance(one, Refused)]


@dataclass(frozen=True)
class _Names:
    """Images by what a file of boxes may call them: their path, or its last part where that is theirs alone."""

    known: dict[str, list[str]]

    @classmethod
    def of(cls, names: Iterable[str], suffix: bool = True) -> _Names:
        known: dict[str, list[str]] = defaultdict(list)
        for name in names:
            path = PurePosixPath(name) if suffix else PurePosixPath(name).with_suffix("")
            for key in {path.as_posix(), path.name}:
                known[key].append(name)
        return cls(known)

    def find(self, key: str) -> str | Refused:
        path = PurePosixPath(key.replace("\\", "/"))
        exact = [name for name in self.known.get(path.as_posix(), []) if path.as_posix() in (name, _bare(name))]
        found = exact or self.known.get(path.as_posix(), []) or self.known.get(path.name, [])
        if len(found) == 1:
            return found[0]
        return Refused("", f"no image {key!r} here" if not found else f"{key!r} may be any of {len(found)} images")


def _bare(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def read_annotations(path: str | Path, names: Sequence[str]) -> Annotations:
    """The boxes of images of these names. Raises UsageError for no such file, InputError for one that is none."""
    place = Path(path)
    if place.is_dir():
        return _read_yolo(place, names)
    if not place.exists():
        raise UsageError(f"{path}: no such file or folder of boxes")
    if place.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: {place.stat().st_size:,} bytes, more than the {MOST_BYTES:,} allowed")
    if place.suffix.lower() not in (".json", ".csv"):
        raise UsageError(f"{path}: boxes are read from COCO's .json, a .csv, or a folder of YOLO's texts")
    try:
        text = place.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    return _read_coco(place, text, names) if place.suffix.lower() == ".json" else _read_csv(place, text, names)


# COCO -----------------------------------------------------------------------------------------------------------------


def _read_coco(path: Path, text: str, names: Sequence[str]) -> Annotations:
    try:
        held = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: no JSON ({str(error)[:80]})") from None
    if not isinstance(held, dict) or not all(isinstance(held.get(key), list) for key in ("images", "annotations")):
        raise InputError(f"{path}: no COCO file: it has no lists 'images' and 'annotations'")
    found, known = Annotations("coco"), _Names.of(names)
    categories = {}
    for row in held.get("categories") or []:
        if isinstance(row, dict) and "id" in row:
            categories[_key(row["id"])] = str(row.get("name", row["id"]))
    found.categories = list(categories.values())
    images: dict[Any, str | Refused] = {}
    for row in held["images"]:
        if isinstance(row, dict) and "id" in row:
            name = known.find(str(row.get("file_name", "")))
            images[_key(row["id"])] = name
            size = (row.get("height"), row.get("width"))
            if isinstance(name, str) and all(isinstance(side, int) for side in size):
                found.sizes[name] = size  # type: ignore[assignment]
    outlines = 0
    for number, row in enumerate(held["annotations"], 1):
        said = f"annotation {number}" + (f" (id {row['id']})" if isinstance(row, dict) and "id" in row else "")
        box = _coco_box(row, said, images, categories)
        if isinstance(box, Refused):
            found.refused.append(box)
        else:
            found.boxes[box[0]].append(box[1])
            outlines += bool(row.get("segmentation") or row.get("keypoints"))
    if outlines:
        found.notes.append(f"{outlines:,} annotations have outlines or key points: only their boxes are carried over")
    return found


def _coco_box(row: Any, said: str, images: dict[Any, str | Refused], categories: dict[Any, str]) -> Any:
    if not isinstance(row, dict):
        return Refused(said, "no annotation")
    name = images.get(_key(row.get("image_id")), Refused("", f"no image has the id {row.get('image_id')!r}"))
    if isinstance(name, Refused):
        return Refused(said, name.reason)
    if _key(row.get("category_id")) not in categories:
        return Refused(said, f"no category has the id {row.get('category_id')!r}")
    sides = row.get("bbox")
    if not isinstance(sides, list) or len(sides) != 4 or not all(_is_number(side) for side in sides):
        return Refused(said, "its bbox is not four numbers")
    x, y, width, height = map(float, sides)
    return name, Box(categories[_key(row["category_id"])], x, y, x + width, y + height, said)


def _key(value: Any) -> Any:
    return value if isinstance(value, int | str) else repr(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


# YOLO -----------------------------------------------------------------------------------------------------------------


def _read_yolo(folder: Path, names: Sequence[str]) -> Annotations:
    found, known = Annotations("yolo", relative=True), _Names.of(names, suffix=False)
    for place in (*(folder / name for name in _CLASS_FILES), *(folder.parent / name for name in _CLASS_FILES)):
        if place.is_file():
            found.categories = place.read_text("utf-8-sig", "replace").split("\n")
            found.categories = [line.strip() for line in found.categories if line.strip()]
            break
    files = sorted(path for path in folder.rglob("*.txt") if path.name not in _CLASS_FILES and utf8(str(path)))
    if not files:
        raise InputError(f"{folder}: no .txt files of boxes in it")
    for path in files:
        key = path.relative_to(folder).with_suffix("").as_posix()
        name = known.find(key)
        for number, line in enumerate(path.read_text("utf-8-sig", "replace").splitlines(), 1):
            if not line.strip():
                continue
            said = f"{key}.txt, line {number}"
            box = name if isinstance(name, Refused) else _yolo_box(line, said, found.categories)
            if isinstance(box, Refused):
                found.refused.append(replace(box, row=said))
            else:
                found.boxes[str(name)].append(box)
    highest = max(
        (int(box.label) for rows in found.boxes.values() for box in rows if box.label.isdecimal()), default=-1
    )
    if not found.categories:
        found.categories = [str(k) for k in range(highest + 1)]
    return found


def _yolo_box(line: str, said: str, categories: Sequence[str]) -> Box | Refused:
    cells = line.split()
    if len(cells) != 5:
        return Refused(said, f"{len(cells)} numbers where a class and four are expected")
    try:
        number, (x, y, width, height) = int(cells[0]), map(float, cells[1:])
    except ValueError:
        return Refused(said, f"not a class and four numbers: {line.strip()[:60]!r}")
    if number < 0 or (categories and number >= len(categories)) or number > 100_000:
        return Refused(said, f"no class has the number {number}")
    label = categories[number] if categories else str(number)
    return Box(label, x - width / 2, y - height / 2, x + width / 2, y + height / 2, said)


# CSV ------------------------------------------------------------------------------------------------------------------


def _read_csv(path: Path, text: str, names: Sequence[str]) -> Annotations:
    rows = csv.DictReader(text.splitlines())
    heads = {head.strip().lower(): head for head in rows.fieldnames or ()}
    file = next((heads[name] for name in _FILE if name in heads), None)
    label = next((heads[name] for name in _LABEL if name in heads), None)
    corners = next((group for group in _CORNERS if all(name in heads for name in group)), None)
    sides = corners or (_SIDES if all(name in heads for name in _SIDES) else None)
    if file is None or label is None or sides is None:
        raise InputError(f"{path}: needs columns file, label, xmin, ymin, xmax, ymax; there are: {', '.join(heads)}")
    found, known = Annotations("csv"), _Names.of(names)
    for row in rows:
        said = f"line {rows.line_num}"
        name = known.find(row[file] or "")
        if isinstance(name, Refused):
            found.refused.append(replace(name, row=said))
            continue
        try:
            a, b, c, d = (float(row[heads[side]] or "nan") for side in sides)
        except (TypeError, ValueError):
            found.refused.append(Refused(said, f"{', '.join(sides)} are not four numbers"))
            continue
        x1, y1 = (c, d) if corners else (a + c, b + d)
        found.boxes[name].append(Box(row[label] or "", a, b, x1, y1, said))
    found.categories = sorted({box.label for group in found.boxes.values() for box in group})
    return found


# Writing --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Annotated:
    """One image that was written. file: below the folder of images. size: (height, width)."""

    file: str
    size: Size
    boxes: tuple[Box, ...]


def write_annotations(folder: Path, kind: Kind, categories: Sequence[str], images: Iterable[Annotated]) -> Path:
    """The boxes in the same kind of file as they came in: annotations.json, labels/, or boxes.csv in the folder."""
    return {"coco": _write_coco, "yolo": _write_yolo, "csv": _write_csv}[kind](folder, categories, images)


def _write_coco(folder: Path, categories: Sequence[str], images: Iterable[Annotated]) -> Path:
    from genapps_image.writing import write_json

    numbers = {name: k for k, name in enumerate(categories, 1)}
    pictures: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for k, image in enumerate(images, 1):
        pictures.append({"id": k, "file_name": image.file, "width": image.size[1], "height": image.size[0]})
        for box in image.boxes:
            sides = [round(side, 3) for side in (box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0)]
            about = {"id": len(rows) + 1, "image_id": k, "category_id": numbers[box.label], "bbox": sides}
            rows.append({**about, "area": round(box.area, 3), "iscrowd": 0})
    held = {
        "images": pictures,
        "annotations": rows,
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
    }
    write_json(folder / "annotations.json", held)
    return folder / "annotations.json"


def _write_yolo(folder: Path, categories: Sequence[str], images: Iterable[Annotated]) -> Path:
    from genapps.io.atomic import replacing

    numbers = {name: k for k, name in enumerate(categories)}
    for image in images:
        height, width = image.size
        target = (folder / "labels" / image.file).with_suffix(".txt")
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{numbers[box.label]} {(box.x0 + box.x1) / 2 / width:.6f} {(box.y0 + box.y1) / 2 / height:.6f} "
            f"{(box.x1 - box.x0) / width:.6f} {(box.y1 - box.y0) / height:.6f}\n"
            for box in image.boxes
        ]
        target.write_text("".join(lines), "utf-8")
    with replacing(folder / "classes.txt") as file:
        file.write("".join(f"{name}\n" for name in categories).encode())
    return folder / "labels"


def _write_csv(folder: Path, categories: Sequence[str], images: Iterable[Annotated]) -> Path:
    import io

    from genapps.io.atomic import replacing

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("file", "label", "xmin", "ymin", "xmax", "ymax"))
    for image in images:
        for box in image.boxes:
            rows.writerow((image.file, box.label, *(round(side, 3) for side in (box.x0, box.y0, box.x1, box.y1))))
    with replacing(folder / "boxes.csv") as file:
        file.write(text.getvalue().encode())
    return folder / "boxes.csv"
