"""Small pictures say what RDKit's large ones do: every line, wedge and letter in its place."""

from __future__ import annotations

import csv
import re
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from genapps_molecule.report.depicting import HEIGHT, MOST_ATOMS, WIDTH, drawing, picture

ODD = [
    "[CH3]", "O=[N+]([O-])c1ccc(Cl)cc1[13C]", "[*:1]CC[NH3+].[Na+].[Cl-]", "C[Pt](N)(N)Cl", "F/C=C/Br", "CC~C",
    "N->[Cu]", "[2H]OC#N", "C[C@H](O)[C@@H](F)CS", "[SiH3]B(O)PI", "C",
]  # fmt: skip
Segment = tuple[tuple[int, int], tuple[int, int]]


def drugs(step: int) -> list[str]:
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    return [row["smiles"] for row in csv.DictReader(text.splitlines())][::step]


def elements(svg: str) -> list[ElementTree.Element]:
    return [part for part in ElementTree.fromstring(svg).iter() if part.tag.rpartition("}")[2] in ("path", "text")]


def segments(points: list[tuple[int, int]]) -> list[Segment]:
    return [tuple(sorted(pair)) for pair in pairwise(points)]  # type: ignore[misc]


def walked(path: str) -> Counter[Segment]:
    """The lines of a path in steps, by the rules of SVG alone."""
    found: Counter[Segment] = Counter()
    place = start = (0, 0)
    kind = ""
    for command, numbers in re.findall(r"([MmlLzZ])([-\d\s.]*)", path):
        values = [int(number) for number in re.findall(r"-?\d+", numbers)]
        kind = command
        if kind in "zZ":
            found[tuple(sorted((place, start)))] += 1  # type: ignore[index]
            place = start
        for x, y in zip(values[::2], values[1::2], strict=True):
            last, place = place, (x, y) if kind in "ML" else (place[0] + x, place[1] + y)
            if kind in "Mm":
                start, kind = place, "L" if kind == "M" else "l"
            else:
                found[tuple(sorted((last, place)))] += 1  # type: ignore[index]
    return found


def drawn(svg: str) -> Counter[Segment]:
    """The lines of what RDKit wrote, but for the joints of bonds; a ring of points is a dot, and so one line."""
    found: Counter[Segment] = Counter()
    for part in elements(svg):
        numbers = re.findall(r"-?\d+\.\d+|-?\d+", part.get("d", ""))
        points = [(round(float(x)), round(float(y))) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        if part.get("class") and points:
            dot = len(points) > 8
            closed = part.get("d", "").endswith("Z") and not dot
            found.update(segments([*points, points[0]] if closed else points) if not dot else [((0, 0), (0, 0))])
    return found


def letters(svg: str) -> Counter[tuple[str, int, int]]:
    found: Counter[tuple[str, int, int]] = Counter()
    for part in elements(svg):
        if part.tag.endswith("text") and part.text:
            xs, ys = (part.get(side, "").split() for side in "xy")
            found.update((c, round(float(x)), round(float(y))) for c, x, y in zip(part.text, xs, ys, strict=True))
    return found


def told(svg: str) -> Counter[Segment]:
    """The lines of one of our pictures; a dot is a line that leads nowhere."""
    found: Counter[Segment] = Counter()
    for part in elements(svg):
        if part.tag.endswith("path"):
            dot = "r" in part.get("class", "").split()
            found.update([((0, 0), (0, 0))] * len(walked(part.get("d", ""))) if dot else walked(part.get("d", "")))
    return found


@pytest.mark.parametrize("smiles", [*ODD, *drugs(60)])
def test_every_line_and_letter_is_where_rdkit_drew_it(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    ours, theirs = str(picture(mol)), drawing(mol)
    assert told(ours) == drawn(theirs)
    assert letters(ours) == letters(theirs)
    assert len(ours) < max(len(theirs) / 4, 400)


def test_a_line_that_is_wrong_is_found() -> None:
    mol = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    ours = str(picture(mol))
    assert told(re.sub(r"(?<=l)-?\d+", "7", ours, count=1)) != drawn(drawing(mol))


def test_colors_are_classes_of_the_page() -> None:
    svg = str(picture(Chem.MolFromSmiles("NCC(O)C(F)C(Cl)SBr")))
    assert {word for found in re.findall(r'class="([^"]+)"', svg) for word in found.split()} == {
        "mol", "ink", "n", "o", "f", "cl", "s", "br",
    }  # fmt: skip
    assert not re.search(r"#[0-9A-F]{6}|style=|rgb", svg)
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in svg


def test_what_cannot_be_drawn_is_said_in_words() -> None:
    assert "151 atoms" in picture(Chem.MolFromSmiles("C" * (MOST_ATOMS + 1)))
    assert "no atoms" in picture(Chem.Mol())
    assert 'aria-label="&lt;b&gt;"' in picture(Chem.MolFromSmiles("CC"), "<b>")


def test_a_molecule_in_space_is_drawn_flat() -> None:
    flat = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    space = Chem.AddHs(flat)
    AllChem.EmbedMolecule(space, randomSeed=7)
    space = Chem.RemoveHs(space)
    assert space.GetConformer().Is3D()
    AllChem.Compute2DCoords(flat)
    drawn_flat = Chem.Mol(space)
    AllChem.Compute2DCoords(drawn_flat)
    assert picture(space) == picture(drawn_flat)
    assert sum(told(str(picture(space))).values()) == sum(told(str(picture(flat))).values())
    assert space.GetConformer().Is3D(), "the molecule itself is as it was"
