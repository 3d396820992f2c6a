"""Images as numbers that mean something: by a network that knows photographs, by one learnt here, or by pixels."""

from __future__ import annotations

from genapps_image.features.base import Extractor
from genapps_image.features.choosing import NAMES, extractor_of, revive

__all__ = ["NAMES", "Extractor", "extractor_of", "revive"]
