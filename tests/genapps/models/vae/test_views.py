"""Changed images: shifts are whole and within bounds, and the strongest change keeps a blank image blank."""

import torch

from genapps.models.vae.views import moved, warped


def test_a_move_is_a_shift_of_the_whole_image() -> None:
    image = torch.rand(1, 2, 5, 6, generator=torch.Generator().manual_seed(0)).expand(200, -1, -1, -1)
    wide = torch.nn.functional.pad(image[0], (1,) * 4)
    possible = [wide[:, down : down + 5, right : right + 6] for down in range(3) for right in range(3)]
    seen = set()
    for made in moved(image, 1, torch.Generator().manual_seed(1)):
        seen.add([made.equal(one) for one in possible].index(True))
    assert len(seen) == 9


def test_a_warp_keeps_shape_range_and_blanks() -> None:
    image = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    one, two = (warped(image, 2, torch.Generator().manual_seed(3)) for _ in range(2))
    assert one.equal(two) and one.shape == image.shape and 0 <= float(one.min()) <= float(one.max()) <= 1
    assert (one == 0).float().mean() > 0.1  # of the blanked square
    assert warped(torch.zeros(3, 1, 8, 8), 2, torch.Generator()).abs().max() == 0
