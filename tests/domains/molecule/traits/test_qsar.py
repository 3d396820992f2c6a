"""A Gaussian process is what its formulas say, and a table becomes a model of it row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps.io.writers import TableWriter
from genapps_molecule.traits.gaussian import Process, bits_of, kernel
from genapps_molecule.traits.measures import figures
from genapps_molecule.traits.qsar import fitted, qsar


@pytest.fixture(scope="module")
def mols(tiny_smiles):
    return [Chem.MolFromSmiles(text) for text in tiny_smiles[::6]]


@pytest.fixture(scope="module")
def values(mols):
    noise = np.random.default_rng(0).normal(0, 0.05, len(mols))
    return np.array([sum(atom.GetAtomicNum() for atom in mol.GetAtoms()) / 30 for mol in mols]) + noise


def test_the_kernel_is_tanimotos(mols):
    rows = bits_of(mols[:12]).astype(bool)
    slow = [[(a & b).sum() / (a | b).sum() for b in rows] for a in rows]
    np.testing.assert_allclose(kernel(rows, rows), slow, rtol=1e-6)


def test_a_guess_is_the_conditional_of_a_normal_distribution(mols, values):
    rows = bits_of(mols)
    known, asked = slice(0, 40), slice(40, 52)
    process = Process.fit(rows[known], values[known], (0.01,))
    covariance = kernel(rows, rows).astype(float)
    inner = np.linalg.inv(covariance[known, known] + 0.01 * np.eye(40))
    across = covariance[asked, known]
    residuals = values[known] - values[known].mean()
    variance = residuals @ inner @ residuals / 40
    mean, spread = process.guess(rows[asked])
    np.testing.assert_allclose(mean, values[known].mean() + across @ inner @ residuals, atol=1e-6)
    wanted = np.sqrt(variance * (1 - np.einsum("ij,jk,ik->i", across, inner, across)))
    np.testing.assert_allclose(spread, wanted, atol=1e-6)
    assert process.guess(rows[:0])[0].shape == (0,)


def test_what_is_left_out_is_guessed_as_if_it_had_never_been_seen(mols, values):
    rows, groups = bits_of(mols), np.arange(len(mols)) % 4
    process = Process.fit(rows, values, (0.01,))
    guessed = process.without(groups)
    for group in range(4):
        kept = groups != group
        covariance = kernel(rows[kept], rows[kept]).astype(float) + 0.01 * np.eye(int(kept.sum()))
        weights = np.linalg.solve(covariance, values[kept] - process.mean)
        again = process.mean + kernel(rows[~kept], rows[kept]) @ weights
        np.testing.assert_allclose(guessed[~kept], again, atol=1e-5)


def test_leaving_out_the_wrong_rows_would_be_seen(mols, values):
    """Had each row been left out alone, its near twins would still tell of it: another guess, and a better figure."""
    process = Process.fit(bits_of(mols), values, (0.01,))
    groups = np.arange(len(mols)) // 10
    alone, together = process.without(np.arange(len(mols))), process.without(groups)
    assert ((alone - values) ** 2).sum() < ((together - values) ** 2).sum()


def test_the_likeliest_noise_is_taken(mols, values):
    rows = bits_of(mols)
    loud = np.random.default_rng(0).normal(0, 1, len(values))
    assert Process.fit(rows, values).noise < Process.fit(rows, loud).noise


def test_a_table_becomes_a_model(tmp_path, tiny_smiles, mols, values):
    path = tmp_path / "assay.csv"
    pairs = zip(mols, values, strict=True)
    lines = ["id,SMILES,pIC50", *(f"m,{Chem.MolToSmiles(mol)},{value:.4f}" for mol, value in pairs)]
    lines[3:3] = ["x,c1cc,5.0", "y,CCO,>10", "z,CCO,"]
    path.write_text("\n".join(lines) + "\n")
    model = qsar(f"{path}, y=pIC50")
    assert model.molecules == len(mols)
    assert [row for row, _ in model.dropped] == [4, 5, 6]
    assert 0.1 < model.r2 <= 1
    assert "rows left out (row 4:" in model.words
    table = figures(mols[:5], (f"qsar({path}, y=pIC50)", f"unsure({path}, y=pIC50)"))
    np.testing.assert_allclose(table[f"qsar({path}, y=pIC50)"], values[:5], atol=0.3)
    assert (table[f"unsure({path}, y=pIC50)"] > 0).all()


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl", "t.tsv", "t.csv.gz"])
def test_any_kind_of_file_is_a_table(tmp_path, mols, values, name):
    texts = [Chem.MolToSmiles(mol) for mol in mols[:15]]
    with TableWriter(tmp_path / name) as writer:
        writer.write(pa.table({"structure": texts, "Ki nM": values[:15], "id": list(range(15))}))
    assert qsar(f"{tmp_path / name}, y=Ki nM").molecules == 15
    with pytest.raises(UsageError, match=r"no column 'Ki' beside the molecules.* There are: Ki nM, id"):
        qsar(f"{tmp_path / name}, y=Ki")


def test_a_file_that_was_written_again_is_read_again(tmp_path, monkeypatch, mols, values):
    monkeypatch.chdir(tmp_path)
    texts = [Chem.MolToSmiles(mol) for mol in mols]

    def written(rows, lead):
        lines = ["smiles,y", *(f"{text},{value:.4f}" for text, value in zip(texts[:rows], values, strict=False))]
        Path("assay.csv").write_text("\n".join(lines) + "\n")
        Path("lead.smi").write_text(lead + "\n")
        alike = figures([mols[0]], ["similarity(lead.smi)"])["similarity(lead.smi)"][0]
        return qsar("assay.csv, y=y").molecules, alike == 1

    assert written(20, texts[0]) == (20, True)
    assert written(30, "CCCCCCCCCCCCCCCC") == (30, False)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert written(12, texts[0]) == (12, True)


def test_it_is_unsure_of_what_is_unlike_all_it_knows(mols, values):
    model = fitted("m", mols, values)
    known, strange = model.spread(mols[:5]), model.spread([Chem.MolFromSmiles("[Si](C)(C)(C)P1(=O)CCC1")])
    assert strange[0] > 2 * known.max()
    assert abs(model.value([Chem.MolFromSmiles("[Si](C)(C)(C)P1(=O)CCC1")])[0] - values.mean()) < values.std()


@pytest.mark.parametrize(
    ("argument", "text", "error", "words"),
    [
        ("{}", "smiles,y\nC,1\n", UsageError, "write qsar"),
        ("{}, y=z", "smiles,y\nC,1\n", UsageError, "no column 'z'"),
        ("{}, y=y", "smiles,y\nCC,1\nCCC,2\n", InputError, "2 molecules with a number in y"),
        ("{}, y=y", "", UsageError, "no column|empty"),
        ("nowhere.csv, y=y", "", UsageError, "nowhere.csv"),
    ],
)
def test_what_is_no_table_is_said_in_one_line(tmp_path: Path, argument, text, error, words):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises((error, InputError), match=words):
        qsar(argument.format(path))
