"""Images: a folder in; more of them, better ones, restyled ones, or the odd ones out.

The names below are loaded when first used, so that `genapps image --help` imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genapps.lazy import lazily

if TYPE_CHECKING:
    from genapps_image.codec import Codec, gather
    from genapps_image.detection.model import OddModel, learn
    from genapps_image.detection.tasks import detect
    from genapps_image.evaluation.tasks import evaluate
    from genapps_image.generation.fitting import Study, fit
    from genapps_image.generation.tasks import fit_images
    from genapps_image.inspecting import inspect
    from genapps_image.model import ImageModel
    from genapps_image.presets import choose
    from genapps_image.reading.pictures import Pictures, open_pictures
    from genapps_image.records import Picture, Skipped
    from genapps_image.writing import write_image

_HOMES = {
    "Codec": "codec",
    "ImageModel": "model",
    "OddModel": "detection.model",
    "Picture": "records",
    "Pictures": "reading.pictures",
    "Skipped": "records",
    "Study": "generation.fitting",
    "choose": "presets",
    "detect": "detection.tasks",
    "evaluate": "evaluation.tasks",
    "fit": "generation.fitting",
    "fit_images": "generation.tasks",
    "gather": "codec",
    "inspect": "inspecting",
    "learn": "detection.model",
    "open_pictures": "reading.pictures",
    "write_image": "writing",
}

__all__ = [
    "Codec",
    "ImageModel",
    "OddModel",
    "Picture",
    "Pictures",
    "Skipped",
    "Study",
    "choose",
    "detect",
    "evaluate",
    "fit",
    "fit_images",
    "gather",
    "inspect",
    "learn",
    "open_pictures",
    "write_image",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
