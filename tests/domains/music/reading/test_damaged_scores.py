"""Whatever bytes a file holds, it is a piece or it is Unreadable, for a reason of one line; nothing else comes out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from genapps_music.reading.files import read_score, read_scores
from genapps_music.score import Meter, Note, Part, Score, Unreadable
from genapps_music.writing.files import write_score

TUNE = (
    b'X:1\nT:A\nM:3/4\nL:1/8\nK:Em\nV:1\n|:E>G (3AGA [EG]2-|1 [EG]4 {a}z2:|2 ^c2 _B=B|]\nP:B\n[K:D]F6::"Am"d\'3 C,3:|\n'
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small file of each format."""
    voice = tuple(Note(240 * at, 240, 60 + at % 5) for at in range(12))
    low = tuple(Note(160 * at, 500, 40 + at % 7, 30 + at) for at in range(12))
    score = Score((Part(voice, "High", 3), Part(low, "Low", 40)), meters=(Meter(0, 3, 4),), fifths=-2)
    folder = tmp_path_factory.mktemp("whole")
    for suffix in (".mid", ".musicxml", ".mxl", ".json"):
        write_score(folder / f"a{suffix}", score)
    return {".abc": TUNE} | {path.suffix: path.read_bytes() for path in folder.iterdir()}


def mutated(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        at = chance.randrange(len(found))
        kind = chance.randrange(5)
        if kind == 0:
            found[at] = chance.randrange(256)
        elif kind == 1:
            del found[at : at + chance.randrange(1, 20)]
        elif kind == 2:
            found[at:at] = chance.randbytes(chance.randrange(1, 8))
        elif kind == 3:
            found[at:at] = found[at : at + chance.randrange(1, 60)] * chance.choice([1, 3])
        else:
            found[at] ^= 1 << chance.randrange(8)
        found = found or bytearray(b"\0")
    return bytes(found)


def check(path: Path) -> bool:
    """Whether it was read; what was read is in order."""
    try:
        scores, skipped = read_scores(path)
    except Unreadable as error:
        assert str(error)
        assert "\n" not in str(error)
        assert str(error).isprintable()
        return False
    assert all(one.reason and one.reason.isprintable() for one in skipped)
    for score in scores:
        assert score.parts
        assert score.meters[0].onset == 0
        assert all("\n" not in remark for remark in score.remarks)
        for part in score.parts:
            assert list(part.notes) == sorted(part.notes, key=lambda note: (note.onset, note.pitch, note.duration))
            for note in part.notes:
                assert note.onset >= 0
                assert note.duration > 0
                assert 0 <= note.pitch <= 127
                assert 1 <= note.velocity <= 127
            assert 0 <= part.program <= 127
    return True


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".mxl", ".abc", ".json"])
def test_mutations(suffix: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    chance = random.Random(7)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(whole[suffix])
    assert check(path)
    read = 0
    for _ in range(150):
        path.write_bytes(mutated(whole[suffix], chance))
        read += check(path)
    if suffix in (".mid", ".musicxml", ".json"):  # of a tune something is always left, of an archive its checksum
        assert 0 < read < 150


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".mxl", ".abc", ".json"])
def test_every_truncation(suffix: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    data = whole[suffix]
    path = tmp_path / f"a{suffix}"
    for length in range(0, len(data), max(len(data) // 60, 1)):
        path.write_bytes(data[:length])
        check(path)


@pytest.mark.parametrize("begin", [b"", b"MThd", b"PK\x03\x04", b"<?xml", b"X:1\nK:C\n", b"[[[", b'{"train":'])
def test_random_bytes(begin: bytes, tmp_path: Path) -> None:
    chance = random.Random(1)
    for number in range(10):
        (tmp_path / str(number)).write_bytes(begin + chance.randbytes(1000))
        assert not check(tmp_path / str(number)) or begin == b"X:1\nK:C\n"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.mid", b"", "empty file"),
        ("a.mid", b"Dear diary", "begins with MThd, and this does not"),
        ("a.mxl", b"Dear diary", "begins with PK"),
        ("notes.txt", b"Dear diary", "what is read: .mid"),
        ("a.abc", b"Dear diary", "a tune begins with X:"),
        ("a.abc", b"X:1\n\0\0", "no text"),
        ("a.abc", b"X:1\n" * 30_000, "more than 20,000 tunes"),
        ("a.json", b"[" * 100_000, "nested deeper"),
        ("a.json", b"[" * 80 + b"]" * 80, "nested deeper"),
        ("a.json", b'{"a": 1}', "without lists of pieces"),
        ("a.json", b"[[[60, 200]]]", "frame 0: '200' is no pitch"),
        ("a.json", b"[[[60, NaN]]]", "no pitch"),
        ("a.json", b"[[[true]]]", "no pitch"),
        ("a.json", b'[["a"]]', "no pitch"),
        ("a.json", b"[[[-1]], [[]]]", "no notes"),
        ("a.json", b'{"step": 0, "pieces": [[[60]]]}', "step"),
        ("a.json", b'{"step": 1e999, "pieces": [[[60]]]}', "step"),
        ("a.json", b'{"step": 0.0123, "pieces": [[[60]]]}', "step"),
        ("a.json", b'{"tempo": "fast", "pieces": [[[60]]]}', "tempo"),
        ("a.json", b'{"step": 64, "pieces": [[' + b"[60]," * 400 + b"[60]]]}", "quarter notes"),
        ("a.json", b'{"pieces": "\xff"}', "JSON"),
    ],
)
def test_reasons(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Unreadable, match=reason.replace("(", r"\(")):
        read_score(tmp_path / name)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no regular file"):
        read_score(tmp_path)
    with pytest.raises(Unreadable, match="no such file"):
        read_score(tmp_path / "absent.mid")
    with (tmp_path / "large.json").open("wb") as file:
        file.write(b"[")
        file.truncate(40 * 2**20)
    with pytest.raises(Unreadable, match=r"40\.0 MiB"):
        read_score(tmp_path / "large.json")


def test_links_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.mid").symlink_to(tmp_path / "gone.mid")
    (tmp_path / "b.mid").symlink_to(tmp_path / "b.mid")
    for name in ("a.mid", "b.mid"):
        with pytest.raises(Unreadable, match="a link that leads nowhere"):
            read_scores(tmp_path / name)
