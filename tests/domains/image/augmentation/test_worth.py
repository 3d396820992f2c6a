"""A mix is chosen, and a gain is told, by what images that were held out say."""

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps_image.augmentation.classifying import ClassifierConfig, learn, probabilities
from genapps_image.augmentation.copies import near_copies, nearness
from genapps_image.augmentation.enlarging import enlarged
from genapps_image.augmentation.gain import CLASSICAL, GENERATED, REAL, lines, measure, training_sets
from genapps_image.augmentation.making import Making, maker
from genapps_image.augmentation.mixes import MIXES, SAFE, parse_mix
from genapps_image.augmentation.planning import Share, folders_of, plan, shares
from genapps_image.augmentation.steps import Chance, Step, from_json
from genapps_image.augmentation.trials import choose_mix, folds

QUICK = ClassifierConfig(steps=40, batch=32)


def slopes(each, seed=0, side=8, noise=25.0):
    """Images that grow brighter to the right (0) or to the left (1): a flip makes the other of one."""
    rng = np.random.default_rng(seed)
    ramp = np.tile(np.linspace(60, 190, side), (side, 1))
    images = [(ramp if k % 2 == 0 else ramp[:, ::-1]) + rng.normal(0, noise, (side, side)) for k in range(2 * each)]
    pixels = np.clip(np.stack(images), 0, 255).astype(np.uint8)[:, None]
    return torch.from_numpy(pixels), torch.arange(2 * each) % 2


def test_a_flip_that_makes_another_class_is_not_chosen():
    images, labels = slopes(12)
    choice = choose_mix(images, labels, 2, 0, tried=("gentle", "gentle+flip"), config=QUICK)
    assert choice.mix.name == "gentle"
    careful, flipped = choice.trials
    assert flipped.loss > careful.loss + 0.1
    assert flipped.better < 0
    # Were it not looked at how sure that is, and in which direction, the last one would be taken.
    assert choose_mix(images, labels, 2, 0, tried=("gentle+flip", "gentle"), config=QUICK).mix.name == "gentle"


def test_without_classes_or_with_few_images_the_careful_mix_is_taken():
    images, labels = slopes(4)
    assert choose_mix(images, None, 0, 0).mix is MIXES[SAFE]
    choice = choose_mix(images, labels, 2, 0)
    assert choice.mix is MIXES[SAFE]
    assert "8 images are too few" in choice.reason
    assert not MIXES[SAFE].turned


def test_folds_spread_every_class():
    labels = torch.tensor([0] * 9 + [1] * 3 + [2])
    parts = folds(labels, 3, 0)
    for label, least in ((0, 3), (1, 1)):
        assert torch.bincount(parts[labels == label], minlength=3).min() >= least
    assert torch.equal(parts, folds(labels, 3, 0))


def test_a_classifier_is_the_same_for_the_same_seed_and_leaves_torchs_generator_alone():
    images, labels = slopes(8)
    before = torch.random.get_rng_state()
    first, again, other = (probabilities(learn(images, labels, 2, seed, QUICK), images) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first.argmax(1) == labels).float().mean() > 0.9


def test_a_gain_is_told_with_how_sure_it_is():
    images, labels = slopes(3, noise=80)
    new = enlarged(images, MIXES["gentle"], 5, 0)
    junk = torch.randint(0, 256, (60, 1, 8, 8), dtype=torch.uint8), torch.arange(60) % 2
    pools = training_sets(images, labels, new, 5, junk, 0.3)
    assert list(pools) == [REAL, CLASSICAL, GENERATED]
    for pool, sizes in zip(pools.values(), ((6,), (6, 30), (6, 30, 60)), strict=True):
        assert len(pool.images) == len(pool.labels) == len(pool.weights) == sum(sizes)
        assert float(pool.weights.sum()) == pytest.approx(1)
    weights = pools[GENERATED].weights
    assert float(weights[36:].sum()) == pytest.approx(0.3 * 5 / 6)
    held = slopes(40, seed=5, noise=80)
    gain = measure(pools, *held, 2, 0, config=QUICK, repeats=1)
    assert [arm.name for arm in gain.arms] == list(pools)
    assert gain.held_out == 80
    assert gain.arms[0].gain is None
    for before, arm in zip(gain.arms, gain.arms[1:], strict=False):
        assert arm.gain == pytest.approx(arm.accuracy - before.accuracy, abs=1e-6)
        assert arm.gain_error > 0
        assert arm.helps == (arm.gain > 1.645 * arm.gain_error)
    assert len(lines(gain)) == 3
    assert "80 held-out images" in lines(gain)[0]


def test_copies_are_told_from_new_images():
    rng = torch.Generator().manual_seed(0)
    draw = lambda n: torch.randint(0, 256, (n, 1, 6, 6), generator=rng, dtype=torch.uint8)  # noqa: E731
    learnt, unseen, new = draw(60), draw(60), draw(60)
    honest = nearness(new, learnt, learnt, unseen)
    assert not honest.copied
    assert honest.same == 0
    copied = nearness(torch.cat([learnt[:20], new[:40]]), learnt, learnt, unseen)
    assert copied.copied
    assert copied.nearer >= 1 / 3
    assert copied.same == pytest.approx(1 / 3)
    assert all(made == real and apart < 1e-6 for made, real, apart in copied.pairs)
    assert "repeats what it learnt" in copied.line()
    blurred = torch.full((60, 1, 6, 6), 127, dtype=torch.uint8)  # near to all images alike
    vague = nearness(blurred, learnt, learnt, learnt.flip(3))
    assert vague.nearer > 0.9
    assert not vague.copied
    assert copied.toward > vague.toward
    assert nearness(new[:0], learnt, learnt, unseen) is None


def test_images_that_are_there_twice_are_found():
    images = torch.randint(0, 256, (6, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    again = (images[1:3].float() * 0.97 + 3).byte()  # as another compression or a little more light would change it
    flat = torch.full((2, 1, 8, 8), 7, dtype=torch.uint8)
    assert near_copies(torch.cat([images, again, flat])) == [(1, 6), (2, 7)]
    many = torch.cat([images] * 60)
    assert near_copies(many) == sorted((k % 6, k) for k in range(6, 360))


@pytest.mark.parametrize(
    ("count", "per_class", "generated", "wanted"),
    [(10, 500, 0.3, (10, 343, 147)), (10, 5, 0.3, (10, 0, 0)), (1, 4, 0.0, (1, 3, 0)), (7, 8, 0.9, (7, 0, 1))],
)
def test_shares(count, per_class, generated, wanted):
    assert shares({"a": count}, per_class, generated)["a"] == Share(*wanted)


def test_a_plan_uses_all_images_alike_and_no_name_twice():
    usable = {"a": [0, 3, 4], "b": [1]}
    parts = {"a": Share(3, 100, 0), "b": Share(1, 0, 0)}
    found = list(plan(usable, {"a": "a", "b": "b_2"}, parts, 7, ".png"))
    files = [one.file for _, _, wanted in found for one in wanted]
    assert len(files) == len(set(files)) == 104
    made = {i: sum(one.key is not None for j, _, wanted in found for one in wanted if j == i) for i in (0, 3, 4, 1)}
    assert sorted(made.values()) == [0, 33, 33, 34]
    assert all(one.key[:2] == (7, i) for i, _, wanted in found for one in wanted if one.key)
    assert all(len(wanted) <= 24 for _, _, wanted in found)


def test_names_of_classes_become_folders():
    found = folders_of(["cat", "CAT", "../etc", "a/b", "a:b", "", "..", "zoë "])
    assert found[""] == ""
    others = [folder for name, folder in found.items() if name]
    assert len({folder.casefold() for folder in others}) == len(others)
    assert all("/" not in folder and folder.strip(".") == folder and folder for folder in others)


def test_mixes_are_read_from_words():
    assert parse_mix("bent") is MIXES["bent"]
    mix = parse_mix("gentle, flip:0.25, rotate=40, noise=0.1:0.5")
    assert mix.turned
    assert mix.chances[-3:] == (Chance("flip", 0.25), Chance("rotate", 1.0, 40.0), Chance("noise", 0.5, 0.1))
    for text, why in (
        ("gentel", "Did you mean 'gentle'"), ("rotate=a", "write NAME=AMOUNT"), ("crop=1", "between 0 and 0.9"),
        ("scale=-1", "between 0"), ("flip:2", "between 0 and 1"), (",", "names no transform"), ("blur=nan", "between"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            parse_mix(text)


def test_steps_are_read_from_a_manifest():
    step = Step("rotate", {"degrees": 3.0})
    assert from_json([step.to_json()]) == [step]
    for rows in ({}, [{"name": "explode"}], ["flip"], None):
        with pytest.raises(InputError, match="known"):
            from_json(rows)


def test_what_is_made_depends_on_what_is_wanted_and_not_on_the_order(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "set.npz", images=rng.integers(0, 256, (3, 9, 7), np.uint8))
    items = list(plan({"": [0, 1, 2]}, {"": ""}, {"": Share(3, 40, 0)}, 5, ".png"))
    written = []
    for place, order in (("a", items), ("b", items[::-1])):
        make = maker(Making(str(tmp_path / "set.npz"), None, str(tmp_path / place), MIXES["looks"].chances))
        for i, name, wanted in order:
            assert len(make(i, name, wanted, ())) == len(wanted)
        files = sorted((tmp_path / place / "images").iterdir())
        written.append({file.name: file.read_bytes() for file in files})
    assert len(written[0]) == 43
    assert written[0] == written[1]
    assert len(set(written[0].values())) == 43
