"""BGL's 2,000 labelled raw lines: which classes of alerts `logs detect` finds, and how many of its findings are alerts.

    python benchmarks/anomaly/bgl.py [--quick]

The first word of a line is its class, "-" for a normal one; the reader takes it for a part of the header, so no message
holds it. Half of the normal lines are the normal log: the first half in one run, every other one in the second. The
rest of the lines, normal and not, is what is looked at. Default settings. Both runs take a second; --quick writes
nothing.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from pathlib import Path
from typing import Any

from genapps_logs import detect

NORMAL = "-"


def measure(lines: list[str], split: str) -> dict[str, Any]:
    """One run: the findings beside the classes of their first lines."""
    normal = [place for place, line in enumerate(lines) if line.split(" ", 1)[0] == NORMAL]
    chosen = set(normal[: len(normal) // 2] if split == "first half" else normal[::2])
    rest = [line for place, line in enumerate(lines) if place not in chosen]
    with tempfile.TemporaryDirectory() as folder:
        train, log = Path(folder) / "train.log", Path(folder) / "rest.log"
        train.write_text("\n".join(lines[place] for place in sorted(chosen)) + "\n", "utf-8")
        log.write_text("\n".join(rest) + "\n", "utf-8")
        found = detect(log, train=train)
    classes = [line.split(" ", 1)[0] for line in rest]
    alerts = set(classes) - {NORMAL}
    met = {classes[line - 1] for finding in found.findings for line in finding.lines}
    wrong = [finding for finding in found.findings if classes[finding.lines[0] - 1] == NORMAL]
    right = len(found.findings) - len(wrong)
    return {
        "normal_log": split,
        "classes": len(alerts),
        "classes_found": len(alerts & met),
        "findings": len(found.findings),
        "findings_that_are_alerts": right,
        "precision": round(right / len(found.findings), 3),
        "alert_lines": sum(name != NORMAL for name in classes),
        "normal_lines_of_new_templates": sum(finding.count for finding in wrong if finding.kind == "new"),
        "expected_for_the_whole_rest": round(found.expected_new_lines or 0.0, 1),
    }


def main() -> None:
    """Measure, print, write results/bgl.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="write nothing")
    asked = options.parse_args()
    from keep import write
    from series import folder

    root = folder()
    source = root / "logs" / "loghub_2k" / "BGL_2k.log.gz" if root else None
    if source is None or not source.is_file():
        print("skipped: no BGL_2k.log.gz in $GENAPPS_DATA/anomaly/logs/loghub_2k")
        return
    lines = gzip.decompress(source.read_bytes()).decode(errors="replace").splitlines()
    rows = [measure(lines, split) for split in ("first half", "every other line")]
    for row in rows:
        print(row)
    if not asked.quick:
        write("bgl", rows, {"settings": "the defaults"})


if __name__ == "__main__":
    main()
