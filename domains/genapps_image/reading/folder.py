"""Which files of a folder form classes, where they are images."""

from __future__ import annotations

from genapps.io import folders

# Folders that say what images are for, not what they show.
PARTS = folders.PARTS | {"mask", "masks", "ground_truth", "groundtruth", "images", "image", "imgs"}


def labels_of(names: list[str]) -> list[str] | None:
    """The class of each file, as `genapps.io.folders.labels_of` has it."""
    return folders.labels_of(names, PARTS)


def parts_of(names: list[str]) -> list[str]:
    """The folders at the top that are parts of a set, such as train and test."""
    return folders.parts_of(names, PARTS)
