"""Where made pieces go: a folder with a manifest, or one file; scores, sounds, and a page that judges them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genapps.errors import UsageError
from genapps.io.atomic import check_target, replacing
from genapps.io.placing import Named, check_files, check_folder
from genapps_music.composing.tasks import Made
from genapps_music.names import check_names
from genapps_music.score import Score

SCORES = (".mid", ".midi", ".musicxml", ".xml", ".mxl", ".json")
WRITTEN = (*SCORES, ".wav")
RATE = 22_050  # Hz of a sound
IN_FOLDER = (".mid", ".musicxml", ".wav")


def is_folder(output: str) -> bool:
    """Whether the results go into a folder."""
    return output.endswith("/") or not Path(output).suffix or Path(output).is_dir()


def check_place(output: str | None, reads: Iterable[Named], *, several: bool, example: str) -> str:
    """The place of the results. Raises UsageError for one that could not be written or would go over what is read.

    several: whether there is more than one result, which only a folder holds.
    """
    if output is None:
        raise UsageError(f"name where the music goes: {example}")
    if output == "-":
        raise UsageError(f"music goes to files, not to stdout; name where: {example}")
    reads = list(reads)
    check_names(output, *reads)
    if is_folder(output):
        if not several:
            raise UsageError(f"{output}: is a folder; name the one file: {example}")
        check_folder(output, reads)
        return output
    if several:
        raise UsageError(f"{output}: one file for several pieces; name a folder: {example}")
    check_file(output, reads)
    return output


def check_file(output: str, reads: Iterable[Named]) -> None:
    """Refuse one file for a result that could not be written. Raises UsageError."""
    if Path(output).suffix.lower() not in WRITTEN:
        raise UsageError(f"{output}: no format that is written; there are: {', '.join(WRITTEN)}")
    check_files([output], reads)
    check_target(output)


def check_report(report: Path | None, output: str, reads: Iterable[Named]) -> None:
    """Refuse a page that could not be written, or would go over another file. Raises UsageError."""
    from genapps.report.files import check_page, figures_beside

    check_page(report)
    if report is not None:
        check_names(report)
        check_files([report, figures_beside(report), None if is_folder(output) else output], reads)


def write_one(path: str | Path, score: Score) -> None:
    """Write a piece as a score, or as a sound, by the suffix."""
    if Path(path).suffix.lower() == ".wav":
        from genapps_music.writing.files import write_wave
        from genapps_music.writing.sound import render

        write_wave(path, render(score, RATE), RATE)
        return
    from genapps_music.writing.files import write_score

    write_score(path, score)


def write_folder(folder: str | Path, made: Sequence[Made], about: dict[str, Any]) -> list[str]:
    """Write each piece as MIDI, MusicXML and WAV into a folder, and manifest.json; the names of the files.

    Of what is interrupted, or fails, nothing is left.
    """
    place = Path(folder)
    new, names = not place.exists(), []
    place.mkdir(parents=True, exist_ok=True)
    rows = []
    try:
        for number, one in enumerate(made, 1):
            stem = f"{number:0{max(3, len(str(len(made))))}}"
            files = [f"{stem}{suffix}" for suffix in IN_FOLDER]
            for name in files:
                names.append(name)
                write_one(place / name, replace(one.score, name=stem))
            notes = sum(len(part.notes) for part in one.score.parts)
            rows.append({"files": files, "notes": notes, "steps": len(one.cells)})
        text = json.dumps({**about, "pieces": rows}, ensure_ascii=False, indent=1, default=str)
        with replacing(place / "manifest.json") as file:
            file.write(text.encode() + b"\n")
    except BaseException:
        for name in names:
            (place / name).unlink(missing_ok=True)
        if new:
            place.rmdir()
        raise
    return [*names, "manifest.json"]
