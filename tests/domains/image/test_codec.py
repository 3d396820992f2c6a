"""Images in one size and back: what fits is untouched, what does not is cut or filled in the middle."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from genapps.errors import InputError, UsageError
from genapps_image.codec import Codec, gather, to_channels
from genapps_image.inspecting import difference_hash, inspect, to_json
from genapps_image.presets import Seen, choose
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Picture, Skipped
from genapps_image.writing import encoded, sheet

RANDOM = np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8)


def test_an_image_of_that_size_is_untouched() -> None:
    codec = Codec(6, 8, 3)
    rows = codec.encode(Picture("a", RANDOM))
    assert np.array_equal(rows, RANDOM.transpose(2, 0, 1))
    batch = gather([Picture("a", RANDOM)], codec)
    assert np.array_equal(codec.decode(batch.images)[0], RANDOM)


def test_the_middle_is_kept_or_the_border_repeated() -> None:
    wide = np.zeros((4, 12, 1), np.uint8)
    wide[:, 4:8] = 200
    assert (Codec(4, 4, 1).encode(Picture("a", wide)) == 200).all()
    padded = Codec(12, 12, 1, "pad").encode(Picture("a", wide))[0]
    assert (padded == padded[:1]).all()
    assert padded[0].tolist() == wide[0, :, 0].tolist()


def test_every_size_becomes_every_other() -> None:
    for height, width, side in product((1, 3, 40, 41, 43, 47), (1, 2, 50, 53), (4, 7, 8, 11, 28)):
        for fit in ("cover", "pad"):
            rows = Codec(side, side + 1, 1, fit).encode(Picture("a", np.full((height, width, 1), 77, np.uint8)))
            assert (rows == 77).all()
            assert rows.shape == (1, side, side + 1)


def test_alpha_is_laid_over_white() -> None:
    clear = np.zeros((2, 2, 4), np.uint8)
    assert (to_channels(clear, 3) == 255).all()
    assert (to_channels(clear, 1) == 255).all()
    assert (to_channels(clear, 4) == clear).all()
    assert to_channels(RANDOM, 4)[..., 3].min() == 255
    with pytest.raises(UsageError, match="2 channels"):
        Codec(4, 4, 2)


def test_what_cannot_be_used_is_listed(stripes: Path) -> None:
    pictures = open_pictures(stripes)
    batch = gather([*pictures, Skipped("x.png", "empty file")], Codec(8, 8, 1), ["lying"])
    assert batch.images.shape == (24, 1, 8, 8)
    assert len(batch.skipped) == 25
    assert "class 'standing'" in batch.skipped[0].reason
    with pytest.raises(InputError, match=r"x\.png: empty file"):
        gather([Skipped("x.png", "empty file")], Codec(8, 8, 1))


def test_a_collection_is_inspected(stripes: Path) -> None:
    found = inspect(open_pictures(stripes))
    told = to_json(found)
    assert (told["images"], told["classes"]) == (48, {"lying": 24, "standing": 24})
    assert told["sizes"] == {"12 x 12": 48}
    assert told["preset"]["height"] == 12


def test_copies_are_found() -> None:
    large = np.random.default_rng(0).integers(0, 256, (5, 80, 80, 1), np.uint8)
    found = inspect(Pictures("x", list("abcde"), lambda i: (large[i % 4], "PNG", ())))
    assert found.copies == [("a", "e")]
    darker = (large[0] * 0.8).astype(np.uint8)
    assert bin(difference_hash(large[0]) ^ difference_hash(darker)).count("1") <= 4
    assert bin(difference_hash(large[0]) ^ difference_hash(large[1])).count("1") > 10


def test_presets_keep_a_size_that_all_have() -> None:
    assert choose(Seen(100, [(28, 28)] * 100, 1)).codec == Codec(28, 28, 1)
    assert choose(Seen(100, [(300, 400), (500, 200)], 3)).codec == Codec(32, 32, 3)
    assert choose(Seen(100, [(300, 400), (500, 200)], 3, device="cuda")).codec == Codec(64, 64, 3)
    assert choose(Seen(100, [(1, 1)], 3)).codec == Codec(8, 8, 3)
    assert choose(Seen(100, [(300, 400)], 3), size=(20, 30), family="gan").family == "gan"
    assert "only 3 images" in choose(Seen(3, [(28, 28)] * 3, 1)).reasons[-1]


def test_a_sheet_has_every_image() -> None:
    images = [np.full((2, 3, 1), k, np.uint8) for k in (10, 20, 30)]
    whole = sheet(images, columns=2, gap=1)
    assert whole.shape == (5, 7, 1)
    assert [whole[0, 0, 0], whole[0, 4, 0], whole[3, 0, 0], whole[3, 4, 0]] == [10, 20, 30, 255]
    with pytest.raises(UsageError, match="no format that is written"):
        encoded(images[0], ".xcf")
