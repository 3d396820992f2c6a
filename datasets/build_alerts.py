"""Builds domains/genapps_molecule/data/{pains,mcf}.csv: the substructures that molecules are warned of.

python datasets/build_alerts.py FOLDER, with the files wehi_pains.csv and mcf.csv of the MOSES benchmark (the folder
moses/metrics of the wheel molsets 0.3.1, MIT). The SMARTS are kept as they are; the names lose their counts.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "domains" / "genapps_molecule" / "data"


def main(folder: Path) -> None:
    """Both files, each with the columns name and smarts."""
    with (folder / "mcf.csv").open(newline="") as file:
        keep("mcf", [(row["names"], row["smarts"].strip()) for row in csv.DictReader(file)])
    with (folder / "wehi_pains.csv").open(newline="") as file:
        keep("pains", [(_name(row[1]), row[0].strip()) for row in csv.reader(file)])


def _name(text: str) -> str:
    """anil_di_alk_F of <regId=anil_di_alk_F(14)>."""
    return re.sub(r"\(\d+\)$", "", text.strip().removeprefix("<regId=").removesuffix(">"))


def keep(name: str, rows: Iterable[tuple[str, str]]) -> None:
    """Write one file."""
    with (TARGET / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["name", "smarts"])
        table.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
