"""What every family does before and after its engine: names, checks, seeds, words."""

from pathlib import Path

import numpy as np
import pytest
import torch

import genapps.models
from genapps.errors import InputError, UsageError
from genapps.models import FAMILIES, GMM, HMM, RBM, VAE, build, family_class, load_file
from genapps.models.base import _ELSEWHERE
from genapps.spaces import Categorical, Columns
from genapps.training import TrainingConfig

SPACE = Columns((Categorical(2), Categorical(3)))
DATA = np.random.default_rng(0).integers(0, 2, (60, 2))


def small() -> GMM:
    return GMM(3, space=SPACE, max_iter=3)


def test_a_family_loads_its_own_files_alone(tmp_path: Path) -> None:
    model = GMM(2).fit(np.random.default_rng(0).normal(size=(50, 2)))
    model.save(tmp_path / "m.genapps")
    assert GMM.load(tmp_path / "m.genapps").score(np.zeros((1, 2))) == pytest.approx(model.score(np.zeros((1, 2))))
    with pytest.raises(InputError, match="holds a GMM; load it with GMM"):
        VAE.load(tmp_path / "m.genapps")


def test_families_are_found_by_class_name_and_by_name() -> None:
    for name, (_, found) in FAMILIES.items():
        assert getattr(genapps.models, found) is family_class(name)
    with pytest.raises(AttributeError):
        _ = genapps.models.GNN
    with pytest.raises(UsageError, match=r"no model family 'gmn'.*Did you mean 'gmm'"):
        build("gmn", SPACE)


def test_a_model_says_what_it_is_and_what_can_be_set() -> None:
    assert repr(GMM(16, random_state=3)) == "GMM(n_components=16)"
    for name in FAMILIES:
        for line in family_class(name).describe().splitlines():
            assert line.endswith(":") or line.partition(": ")[2], f"an option without a meaning: {line}"


def test_before_fit_nothing_is_known() -> None:
    with pytest.raises(UsageError, match="call fit first"):
        small().sample(1)
    with pytest.raises(UsageError, match="call fit first"):
        _ = GMM(3).space
    with pytest.raises(AttributeError, match="call fit first"):
        _ = GMM(3).weights_
    assert not hasattr(GMM(3), "means_")
    with pytest.raises(AttributeError):
        _ = GMM(3).wights


def test_the_seed_of_the_model_is_the_seed_of_its_draws() -> None:
    one, two, other = (GMM(3, space=SPACE, max_iter=3, random_state=seed).fit(DATA) for seed in (1, 1, 2))
    assert one.sample(50).equal(two.sample(50)) and not one.sample(50).equal(other.sample(50))
    drawn = one.sample(50, generator=torch.Generator().manual_seed(1))
    assert drawn.equal(one.sample(50))


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (DATA[:0], {}, "no rows to learn from"),
        (DATA[:, :1], {}, r"shape \(60, 1\) where 2 columns are expected"),
        (DATA + 5, {}, "column 0: code"),
        (DATA, {"labels": DATA[:, 0]}, "does not take labels"),
        (DATA, {"sample_weight": np.ones(3)}, r"sample_weight"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_one_line(
    data: np.ndarray, options: dict[str, object], message: str
) -> None:
    with pytest.raises((InputError, UsageError), match=message) as error:
        small().fit(data, **options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_score_is_the_mean_of_the_samples() -> None:
    model = small().fit(DATA)
    assert model.score(DATA) == pytest.approx(float(model.score_samples(DATA).mean()), rel=1e-6)
    assert model.score_samples(DATA).equal(model.log_prob(DATA).values)


def test_fitting_again_begins_anew() -> None:
    model = small().fit(DATA)
    first = model.score_samples(DATA)
    assert model.fit(DATA).score_samples(DATA).equal(first)


def test_a_file_of_another_domain_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.genapps"
    small().fit(DATA).save(path, domain="tabular")
    with pytest.raises(InputError, match="tabular"):
        load_file(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 0}, "n_components must be at least 1"),
        ({"n_components": "3"}, "n_components must be a whole number"),
        ({"structure": "x"}, "structure must be"),
        ({"random_state": 1.5}, "random_state must be a whole number"),
    ],
)
def test_options_are_checked_before_anything_is_learnt(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        GMM(space=SPACE, **options)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        ({"n": -1}, "n must be 0 or more"),
        ({"n": "3"}, "n must be a whole number"),
        ({"n": 1, "temperature": float("nan")}, "temperature is nan"),
        ({"n": 1, "temperature": 0}, "temperature 0"),
        ({"n": 1, "labels": 1}, "does not take labels"),
    ],
)
def test_impossible_draws_are_refused(draw: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        small().fit(DATA).sample(**draw)  # type: ignore[arg-type]


def test_settings_of_training_are_checked() -> None:
    for settings in (TrainingConfig(epochs=0), TrainingConfig(optimizer="x")):  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="training"):
            small().fit(DATA, training=settings)
    with pytest.raises(UsageError, match="budget must be above 0"):
        small().fit(DATA, budget=0)


def test_scikit_learn_finds_what_it_asks_for() -> None:
    model = GMM(3, random_state=np.int64(7), space=SPACE, max_iter=3)
    assert model.get_params() == {"n_components": 3, "max_iter": 3, "random_state": 7}
    assert model.fit(DATA, None).set_params(n_components=2).fit(DATA).config.n_components == 2


def test_scikit_learn_takes_a_family_for_an_estimator_of_its_own() -> None:
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.validation import check_is_fitted

    rows = np.random.default_rng(0).normal(size=(90, 2)) + np.repeat([[0.0], [6.0], [12.0]], 30, axis=0)
    pipeline = make_pipeline(StandardScaler(), GMM(3))
    with pytest.raises(NotFittedError):
        check_is_fitted(GMM(3))
    pipeline.fit(rows)
    check_is_fitted(pipeline[-1])
    assert pipeline.predict(rows).shape == (90,)
    assert pipeline.score(rows) == pytest.approx(pipeline.score(rows, np.zeros(90)))
    assert pipeline[-1].n_features_in_ == 2 and not hasattr(GMM(3), "n_features_in_")
    assert cross_val_score(GMM(3), rows, cv=3).shape == (3,)
    shuffled = np.random.default_rng(0).permutation(rows)
    search = GridSearchCV(GMM(), {"n_components": [1, 3]}, cv=3, error_score="raise").fit(shuffled)
    assert search.best_params_ == {"n_components": 3} and search.predict(rows).shape == (90,)
    copied = clone(GMM(3, space=SPACE, max_iter=3).fit(DATA))
    assert copied.space == SPACE and not copied.fitted and copied.get_params()["max_iter"] == 3


def test_fitting_and_using_in_one_call() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 2))
    fitted = GMM(2).fit(rows)
    assert GMM(2).fit_predict(rows).equal(fitted.predict(rows))
    assert GMM(2).fit_transform(rows).equal(fitted.transform(rows))
    assert HMM(2).fit_predict(rows, [20, 40]).equal(HMM(2).fit(rows, [20, 40]).predict(rows, [20, 40]))  # type: ignore[union-attr]
    assert len(HMM(2).fit_transform(rows, [20, 40])) == 2


def test_settings_of_training_of_another_kind_are_refused_with_what_to_give() -> None:
    with pytest.raises(UsageError, match=r"training is of type dict; give TrainingConfig\(epochs=3\)"):
        small().fit(DATA, training={"epochs": 3})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="training is of type int; give TrainingConfig"):
        small().fit(DATA, training=3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="give TrainingConfig"):
        GMM(2).fit_chunks(DATA * 1.0, training={"epochs": 3})  # type: ignore[arg-type]


def test_a_text_where_a_number_belongs_is_refused_with_the_options_name() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(UsageError, match="n_components must be a whole number, not '2'"):
        GMM("2").fit(rows)
    for components in (5, "12", ["a"], [1.5]):
        with pytest.raises(UsageError, match="components must be"):
            GMM.choose(rows, components)  # type: ignore[arg-type]


def test_going_on_needs_a_checkpoint() -> None:
    with pytest.raises(UsageError, match="give checkpoint=PATH"):
        small().fit(DATA, resume=True)


def test_what_a_family_lacks_names_the_families_that_have_it() -> None:
    with pytest.raises(AttributeError, match=r"RBM has no 'predict'; there are GMM \(components\), HMM"):
        _ = RBM(2).predict
    with pytest.raises(AttributeError, match=r"GMM has no 'sampel'\. Did you mean 'sample'"):
        _ = GMM(2).sampel
    for name, words in _ELSEWHERE.items():
        having = {found for _, found in FAMILIES.values() if hasattr(getattr(genapps.models, found), name)}
        assert having == {found for _, found in FAMILIES.values() if found in words}, name
