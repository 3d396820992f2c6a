"""A molecule as a small picture: RDKit draws it, and what it wrote is told again in a tenth of the characters.

RDKit spells out color, width and ends with each line. Here lines of one kind are one path in whole units, letters of
one color one text, and the colors are classes that the page's style knows, so that a picture suits light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup
from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

WIDTH, HEIGHT = 480, 340  # units of a picture
MOST_ATOMS = 150  # beyond, a picture of this size tells nothing and takes long
_BOND = 34  # units of an ångström at most, so that a small molecule is not drawn large

# The classes of what is not ink: two letters, the element's symbol in small.
ELEMENTS = {5: "b", 7: "n", 8: "o", 9: "f", 14: "si", 15: "p", 16: "s", 17: "cl", 34: "se", 35: "br", 53: "i"}
_INK = "ink"

_Point = tuple[int, int]
_PATH = re.compile(r"<path (class='[^']*' )?d='([^']*)' style='([^']*)'")
_TEXT = re.compile(r"<text x='([^']*)' y='([^']*)'[^>]*style='font-size:(\d+)px[^']*fill:(#\w{6})' >([^<>&]*)<")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_CURVED = re.compile(r"[CQAcqa]")
_COLOR = re.compile(r"(?:fill|stroke):(#\w{6})")


def picture(mol: Chem.Mol, label: str = "") -> Markup:
    """An SVG of WIDTH x HEIGHT units, without colors of its own; `label` is what a screen reader says of it.

    One too large to be drawn, or that RDKit finds no place for, is a line of words.
    """
    spoken = Markup(' role="img" aria-label="{}"').format(label) if label else Markup(' aria-hidden="true"')
    atoms = mol.GetNumAtoms()
    try:
        inside = _told(drawing(mol)) if 0 < atoms <= MOST_ATOMS else _words(f"{atoms:,} atoms" if atoms else "no atoms")
    except (ValueError, RuntimeError):
        inside = _words("cannot be drawn")
    return Markup('<svg class="mol" viewBox="0 0 {} {}"{}>{}</svg>').format(WIDTH, HEIGHT, spoken, inside)


def _words(text: str) -> Markup:
    return Markup('<text class="none" x="{}" y="{}">{}</text>').format(WIDTH // 2, HEIGHT // 2, text)


def drawing(mol: Chem.Mol) -> str:
    """What RDKit writes of a molecule: an SVG whose colors say which element is meant."""
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT, -1, -1, True)
    options = drawer.drawOptions()
    options.clearBackground = False  # type: ignore[assignment]
    options.fixedBondLength = _BOND  # type: ignore[assignment]
    options.padding = 0.04  # type: ignore[assignment]
    options.minFontSize = 8  # type: ignore[assignment]
    options.setAtomPalette({-1: (0, 0, 0)} | {number: _coded(number) for number in ELEMENTS})
    if mol.GetNumConformers() and mol.GetConformer().Is3D():
        mol = Chem.Mol(mol)
        rdDepictor.Compute2DCoords(mol)  # a shadow of what stands in space says little
    drawer.DrawMolecule(mol)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())


def _coded(number: int) -> tuple[float, float, float]:
    """A color that says which element is meant."""
    return (0.0, 0.0, number / 255)


def _class(color: str) -> str:
    return ELEMENTS.get(int(color[1:], 16), _INK)


def _told(svg: str) -> Markup:
    """What RDKit wrote, in few characters."""
    kinds: dict[tuple[str, ...], list[str | list[_Point]]] = {}
    for named, path, style in _PATH.findall(svg):
        filled = "fill:none" not in style
        if not named and not filled:
            continue  # the joint of two bonds; round ends do the same
        color = _COLOR.search(style)
        kind = "w" if filled else "d" if "dasharray" in style else "t" if "stroke-width:1.0" in style else ""
        shape: str | list[_Point] = _rounded(path) if _CURVED.search(path) else _points(path)
        if filled and len(shape) > 8:
            kind, shape = "r", _dot(_points(path))
        kinds.setdefault((_class(color[1]) if color else _INK, kind), []).append(shape)
    parts = [
        Markup('<path class="{}" d="{}"/>').format(" ".join(filter(None, words)), _path(shapes))
        for words, shapes in kinds.items()
    ]
    return Markup("").join([*parts, *_letters(svg)])


def _points(path: str) -> list[_Point]:
    numbers = [round(float(number)) for number in _NUMBER.findall(path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _rounded(path: str) -> str:
    return _NUMBER.sub(lambda found: str(round(float(found[0]))), path)


def _dot(points: list[_Point]) -> list[_Point]:
    """The dot of a radical, which RDKit writes as a ring of points: its middle, twice, so that round ends draw it."""
    middle = (sum(x for x, _ in points) // len(points), sum(y for _, y in points) // len(points))
    return [middle, middle]


def _path(shapes: list[str | list[_Point]]) -> str:
    """Shapes as one path, in steps from where the last one ended; one that goes on from there needs no move.

    A shape that is text is path data in its own right; shapes of three points and more are closed.
    """
    words: list[str] = []
    place: _Point | None = None
    for shape in shapes:
        if isinstance(shape, str):
            words.append(shape)
            place = None
            continue
        first, *rest = shape
        if place is None:
            words.append(f"M{_pair(*first)}l")
        elif place != first or len(shape) > 2:
            words.append(f"m{_pair(first[0] - place[0], first[1] - place[1])}")
        place = first
        for x, y in rest:
            words.append(_pair(x - place[0], y - place[1]))
            place = x, y
        if len(shape) > 2:
            words.append("z")
            place = first
    return _joined(words)


def _pair(x: int, y: int) -> str:
    return f"{x}{y}" if y < 0 else f"{x} {y}"


def _joined(words: list[str]) -> str:
    """Words of a path, with a space only where two numbers would run together."""
    return re.sub(r" (?=[-A-Za-z])|(?<=[A-Za-z]) ", "", " ".join(words))


def _letters(svg: str) -> Iterator[Markup]:
    """A text for each color and size; each of its letters has a place."""
    letters: dict[tuple[str, str], tuple[list[str], list[str], list[str]]] = {}
    for x, y, size, color, letter in _TEXT.findall(svg):
        xs, ys, texts = letters.setdefault((_class(color), size), ([], [], []))
        xs.append(str(round(float(x))))
        ys.append(str(round(float(y))))
        texts.append(letter)
    for (kind, size), (xs, ys, texts) in letters.items():
        yield Markup('<text class="{}" font-size="{}" x="{}" y="{}">{}</text>').format(
            kind, size, " ".join(xs), " ".join(ys), Markup("".join(texts))
        )
