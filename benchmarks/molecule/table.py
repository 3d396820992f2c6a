"""Renders docs/benchmarks/molecule.md from the committed results: python benchmarks/molecule/table.py"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keep import read

from genapps_molecule.evaluating.judging import PUBLISHED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "molecule.md"
COLUMNS = (
    *("valid", "unique@10000", "FCD/Test", "FCD/TestSF", "SNN/Test", "SNN/TestSF", "Frag/Test", "Scaf/Test"),
    *("Scaf/TestSF", "IntDiv", "Filters", "Novelty"),
)
NAMES = {
    "autoregressive": "recurrent network (GRU 2 x 256)",
    "vae": "VAE, latents from the normal distribution",
    "gan": "GAN of the same VAE's latents",
    "gmm": "GMM of the same VAE's latents",
    "hmm": "HMM (48 states; 4,000 molecules)",
    "rbm": "RBM over fragments, assembled (4,000 molecules)",
    "ngram": "n-grams",
    "ngram selected": "n-grams, selected by density ratio",
    "shipped": "the model that ships (MOSES and ZINC250k)",
}
PMO_CALLS = 10_000
OTHERWISE = ("isomers_c7h8n2o2", "isomers_c9h10n2o2pf2cl", "sitagliptin_mpo", "zaleplon_mpo")  # goals.py says why


def main() -> None:
    """Write the page."""
    PAGE.write_text("\n".join([*head(), *moses(), *ngram(), *families(), *search()]) + "\n")
    print(f"wrote {PAGE}")


def head() -> Iterator[str]:
    """What the page is."""
    yield "# Molecules: figures"
    yield ""
    yield "Rendered by `python benchmarks/molecule/table.py` from `benchmarks/molecule/results`. The measures are"
    yield "MOSES' ([what they say](../molecule.md)); *real* is what as many random molecules of its training set reach,"
    yield "so no generator can be expected to do better at that n; figures of different n do not compare. CharRNN is"
    yield "the best model of MOSES by FCD as published, with 30,000 molecules."


def moses() -> Iterator[str]:
    """Models under MOSES' protocol, and checkpoints on the way."""
    rows = read("moses").get("rows", [])
    if not rows:
        return
    yield from ["", "## MOSES' protocol", ""]
    yield "n texts as they are drawn, all but `valid` over the valid ones (`moses.py`)."
    yield ""
    body = []
    for n in sorted({row["n"] for row in rows}):
        some = [row for row in rows if row["n"] == n]
        body += [[row["name"], f"{n:,}", *cells(row["figures"])] for row in some]
        body.append(["*real*", f"*{n:,}*", *cells(some[0]["figures"], "floor")])
    body.append(["*CharRNN, published*", "*30,000*", *(f"*{PUBLISHED[key]:.4f}*" for key in COLUMNS)])
    yield from table(["model", "n", *COLUMNS], body)
    yield ""
    yield "Rows of one network at several steps are its learning curve, on two cores and beside other work. This trains"
    yield "one to its end on a GPU, in runs of ten minutes that go on from each other, and judges it:"
    yield ""
    yield "    python benchmarks/molecule/train_shipped.py --moses --device cuda --work build/moses"
    yield '    python benchmarks/molecule/moses.py build/moses/model.genapps --name "GRU 3 x 384, trained to its end"'


def ngram() -> Iterator[str]:
    """n-grams from scratch."""
    found = read("ngram")
    if not found:
        return
    first, rows = found["rows"][0], found["rows"][1:]
    fcd = first["FCD/Test"]
    yield from ["", "## n-grams, from scratch on one core", ""]
    yield f"{found['settings']['trained_on']:,} molecules counted in {first['fit_seconds']:.0f} seconds, with drawing"
    yield f"{fcd['n']:,} valid ones {first['seconds']:.0f} (`ngram.py`): FCD/Test **{fcd['value']:.3f}**"
    yield f"(real: {fcd['floor']:.3f}; MOSES' own n-grams: 5.507 with 30,000), valid {first['valid']:.1%}, new"
    yield f"{first['novelty']:.1%}. At a smaller n, and selected by density ratio ({rows[-1]['seconds']:.0f} seconds"
    yield "with the drawing):"
    yield ""
    n = rows[0]["figures"]["FCD/Test"]["n"]
    body = [[row["what"], f"{n:,}", *cells(row["figures"])] for row in rows]
    yield from table(["", "n", *COLUMNS], [*body, ["*real*", f"*{n:,}*", *cells(rows[0]["figures"], "floor")]])


def families() -> Iterator[str]:
    """All families in one table."""
    found = read("families")
    if not found:
        return
    settings = found["settings"]
    yield from ["", "## All families", ""]
    seconds = f"{settings['seconds']:.0f} seconds"
    yield f"Each learnt {settings['molecules']:,} molecules from scratch for {seconds} at most on one"
    yield "core: what a family is worth in little time, not what it can reach (`families.py`). Seconds are of the"
    yield "processor, all that it took to learn; three families share the VAE, which stands with the first of them."
    yield "All but the HMM and the RBM write within the grammar of SMILES."
    yield ""
    rows = [row for row in found["rows"] if row["figures"]]
    n = settings["n"]
    body = [
        [NAMES.get(row["family"], row["family"]), f"{row['fit_seconds']:.0f}", *cells(row["figures"])] for row in rows
    ]
    body.append([f"*real, n = {n:,}*", "", *cells(rows[-1]["figures"], "floor")])
    yield from table(["family", "seconds", *COLUMNS], body)
    for row in found["rows"]:
        if not row["figures"]:
            yield ""
            yield f"{NAMES.get(row['family'], row['family'])}: {row['skipped']}"


def search() -> Iterator[str]:
    """What `genapps molecule optimize` reaches on the objectives of PMO."""
    found = read("pmo").get("summary", {})
    shown = {task: row for task, row in found.items() if row["calls"] == PMO_CALLS}
    if not shown:
        return
    spread = [row["deviation"] for row in shown.values() if row["seeds"] > 1]
    single = sum(row["seeds"] == 1 for row in shown.values())
    yield from ["", "## Search: the objectives of PMO", ""]
    yield f"The area under the mean of the ten best over {PMO_CALLS:,} calls, from random molecules of ZINC250k"
    yield "(`pmo.py`); *floor* is what as many random molecules of ZINC give. Of several seeds, the mean and"
    yield "the standard deviation over them stand here."
    if single:
        yield f"**{single} objectives were run with one seed only.** Seeds of the others differ by {min(spread):.3f} to"
        yield f"{max(spread):.3f} (standard deviation), so a single run says little of small differences."
    yield "Mol GA (Tripp and Hernández-Lobato 2023) and Genetic GFN (Kim et al. 2024) are means as published. What has"
    yield "a † counts atoms otherwise than the package that published figures were made with (`goals.py`)."
    yield ""
    body = [
        [
            task + (" †" if task in OTHERWISE else ""),
            f"{row['area_top10']:.3f}" + (f" ± {row['deviation']:.3f}" if row["seeds"] > 1 else ""),
            str(row["seeds"]),
            *("–" if row[key] is None else f"{row[key]:.3f}" for key in ("floor", "mol_ga", "genetic_gfn")),
        ]
        for task, row in sorted(shown.items())
    ]
    sums = [f"{sum(row[key] for row in shown.values()):.3f}" for key in ("area_top10", "mol_ga", "genetic_gfn")]
    body.append([f"*sum of these {len(shown)}*", f"*{sums[0]}*", "", "", f"*{sums[1]}*", f"*{sums[2]}*"])
    yield from table(["objective", "here", "seeds", "floor", "Mol GA", "Genetic GFN"], body)


def cells(found: dict[str, dict[str, Any]], part: str = "value") -> list[str]:
    """The figures of a row, in the order of the columns."""
    texts = []
    for key in COLUMNS:
        value = found.get(key, {}).get(part)
        text = "–" if value is None else f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"
        texts.append(f"*{text}*" if part == "floor" else text)
    return texts


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as Markdown."""
    yield "| " + " | ".join(header) + " |"
    yield "| " + " | ".join("---" if k == 0 else "--:" for k in range(len(header))) + " |"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    main()
