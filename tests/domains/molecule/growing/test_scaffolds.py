"""The scaffold is in whatever is grown around it, by a check that shares nothing with what grew it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.growing.fragments import Library
from genapps_molecule.growing.joining import growable, opened, points
from genapps_molecule.growing.scaffolds import Decorator, Scaffold
from genapps_molecule.growing.sidechains import SideChains

CORES = (
    "c1ccc2[nH]ccc2c1",
    "c1ccccc1",
    "O=C1CCCN1",
    "C1CC2CCC1N2",
    "c1ccc(-c2ncc[nH]2)cc1",
    "O=c1[nH]c(=O)c2[nH]cnc2[nH]1",
    "C[C@H]1CN(C)C[C@@H]1O",
    "[NH3+]CC1CC1",
    "O=S1(=O)CCc2ccccc21",
    "C1CCCCCCCCCCCCC1",
)


def grown_only_at_points(text: str, asked: Chem.Mol) -> bool:
    """Whether some match of the scaffold has, at every atom, as many neighbors more as there are points at it."""
    mol = Chem.MolFromSmiles(text)
    stars = set(points(asked).values())
    wanted = [sum(o.GetIdx() in stars for o in atom.GetNeighbors()) for atom in asked.GetAtoms()]
    edit = Chem.RWMol(asked)
    for star in stars:
        edit.ReplaceAtom(star, Chem.AtomFromSmarts("*"))
    query = edit.GetMol()
    for match in mol.GetSubstructMatches(query, uniquify=False, maxMatches=50_000):
        core = {match[k] for k in range(len(match)) if k not in stars}
        outside = [sum(o.GetIdx() not in core for o in mol.GetAtomWithIdx(a).GetNeighbors()) for a in match]
        if all(outside[k] == wanted[k] for k in range(len(match)) if k not in stars):
            return True
    return False


@pytest.mark.parametrize("core", CORES)
def test_a_scaffold_grows_anywhere_and_stays(core: str) -> None:
    source = Decorator(Scaffold.parse(core), SideChains(Library.shipped()))
    made = source.draw(40, np.random.default_rng(1))
    query = Chem.MolFromSmiles(core)
    assert len(made) > 10 and len({text for text, _ in made}) == len(made)
    for text, mol in made:
        assert Chem.MolFromSmiles(text).HasSubstructMatch(query, useChirality=True)
        assert canonical(read_smiles(text)) == text == canonical(mol) and "*" not in text
        assert source.describe(mol)["R"]
    assert set(source.accepts([mol for _, mol in made])) == {""}


@pytest.mark.parametrize("core", CORES)
def test_with_points_nothing_grows_elsewhere(core: str) -> None:
    rng = np.random.default_rng(2)
    asked = read_smiles(core)
    for number, atom in enumerate(rng.choice(growable(asked), 2, replace=False).tolist(), 1):
        asked = opened(asked, atom, number)
    source = Decorator(Scaffold.parse(canonical(asked)), SideChains(Library.shipped()))
    made = source.draw(25, rng)
    assert len(made) > 8
    for text, mol in made:
        assert grown_only_at_points(text, asked), text
        chains = source.describe(mol)
        assert set(chains) == {"R1", "R2"} == set(source.columns)
        assert all(f"[*:{number}]" in chains[f"R{number}"] for number in (1, 2))


def test_the_check_sees_what_was_grown_elsewhere() -> None:
    asked = read_smiles("[*:1]n1ccc2ccccc21")
    scaffold = Scaffold.parse("[*:1]n1ccc2ccccc21")
    for text in ("CCn1c(C)cc2ccccc21", "c1ccc2[nH]ccc2c1", "CCn1ccc2c(F)cccc21"):
        assert not grown_only_at_points(text, asked)
        assert scaffold.reason(read_smiles(text)) == ("no scaffold" if "[nH]" in text else "scaffold grown elsewhere")
    assert grown_only_at_points("CCn1ccc2ccccc21", asked) and not scaffold.reason(read_smiles("CCn1ccc2ccccc21"))


class Writer:
    """A drawer that goes on with side chains in turn, some of which are none."""

    rests = ("C(=O)NC", "", "N1CCOCC1", "(C)C", "c1ccncc1", "C.C", "CC(", "OC(F)F")

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """Each prompt with one of them, in an order drawn by the generator."""
        assert prompts is not None and len(prompts) == n
        places = torch.randint(len(self.rests), (n,), generator=generator).tolist()
        return [begun + self.rests[place] for begun, place in zip(prompts, places, strict=True)]


def test_what_the_network_writes_hangs_at_the_points_and_the_library_fills_in() -> None:
    chains = SideChains(Library.shipped(), Writer())
    source = Decorator(Scaffold.parse("[*:1]c1cc[nH]c1"), chains)
    made = source.draw(60, np.random.default_rng(0))
    assert 20 < chains.told["network"] < 45 and sum(chains.told.values()) == 60
    written = {source.describe(mol)["R1"] for _, mol in made}
    assert written >= {"CNC(=O)[*:1]", "C1CN([*:1])CCO1", "c1cc([*:1])ccn1", "FC(F)O[*:1]"}
    assert all(grown_only_at_points(text, source.scaffold.mol) for text, _ in made)


def test_the_same_seed_makes_the_same_molecules() -> None:
    source = Decorator(Scaffold.parse("c1ccncc1"), SideChains(Library.shipped(), Writer()))
    first, again, other = ([text for text, _ in source.draw(30, np.random.default_rng(k))] for k in (5, 5, 6))
    assert first == again != other


def test_points_are_filled_with_the_bond_that_is_written() -> None:
    source = Decorator(Scaffold.parse("*=C1CCN(*)C1"), SideChains(Library.shipped()))
    assert source.columns == ("R1", "R2")
    for text, mol in source.draw(30, np.random.default_rng(0)):
        assert mol.HasSubstructMatch(Chem.MolFromSmarts("*=C1CCN(*)C1")), text


def test_stereo_of_the_scaffold_is_kept() -> None:
    source = Decorator(Scaffold.parse("[*:1][C@H](C)N1CC[C@@H]([*:2])C1"), SideChains(Library.shipped()))
    made = source.draw(40, np.random.default_rng(0))
    assert len(made) > 10
    mirror = Scaffold.parse("[*:1][C@@H](C)N1CC[C@@H]([*:2])C1")
    assert all(mirror.reason(mol) for _, mol in made)


def test_points_are_numbered() -> None:
    assert Scaffold.parse("*c1ccc(*)cc1").numbers == (1, 2)
    assert Scaffold.parse("[*:3]c1ccc(*)cc1").numbers == (1, 3)
    assert Scaffold.parse("[2*]c1ccc([7*])cc1").numbers == (2, 7)
    assert Scaffold.parse("[CH3:5][CH2:6]C").numbers == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no molecule: empty"),
        ("xyz", "no SMILES"),
        ("c1ccccc", "no molecule"),
        ("C(C)(C)(C)(C)C", "valence"),
        ("C.C", "several parts"),
        ("[*:1]", "no atom but"),
        ("[*:1]c1ccccc1[*:1]", "there twice"),
        ("*1CC1", "one bond"),
        ("C[*]C", "one bond"),
        ("FC(F)(F)F", "no hydrogen"),
        ("[#6]1~[#6]~[#6]1", "SMARTS"),
        ("[R1]c1ccccc1", "SMARTS"),
        ("[C,N]c1ccccc1", "SMARTS"),
        ("C(*)(*)(*)C(*)(*)C(*)(*)", "7 attachment points"),
        ("C" * 1_000_000, "1,000,000 characters"),
        ("C" * 300, "300 heavy atoms"),
        ("C(C)(C)" * 40 + "C", "look the same"),
        ("c1ccccc1 name", "characters"),
        ("é", "characters"),
        ("nothing.smi", "no file"),
        ("\0", "no SMILES"),
    ],
)
def test_what_is_no_scaffold_is_told_in_a_line(text: str, words: str) -> None:
    with pytest.raises((UsageError, InputError), match=words) as caught:
        Scaffold.parse(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400 and "--scaffold" in str(caught.value)
