"""Images: a folder in; more of them, better ones, restyled ones, or the odd ones out.

The names below are loaded when first used, so that `genapps image --help` imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genapps.lazy import lazily

if TYPE_CHECKING:
    from genapps_image.codec import Codec, gather
    from genapps_image.inspecting import inspect
    from genapps_image.presets import choose
    from genapps_image.reading.pictures import Pictures, open_pictures
    from genapps_image.records import Picture, Skipped
    from genapps_image.writing import write_image

_HOMES = {
    "Codec": "codec",
    "Picture": "records",
    "Pictures": "reading.pictures",
    "Skipped": "records",
    "choose": "presets",
    "gather": "codec",
    "inspect": "inspecting",
    "open_pictures": "reading.pictures",
    "write_image": "writing",
}

__all__ = ["Codec", "Picture", "Pictures", "Skipped", "choose", "gather", "inspect", "open_pictures", "write_image"]

__getattr__, __dir__ = lazily(__name__, _HOMES)
