"""The other families as makers of molecules: each draws texts, is measured alike, and is kept in one file.

An autoencoder's latents can be drawn from a mixture of Gaussians (the default of `vae`), from the normal distribution
it was pulled to, from a mixture fitted anew (`gmm`), or from a GAN of them (`gan`; O. Prykhodko et al., "A de novo
molecular generation method using latent vector based generative adversarial network", 2019). All decode within the
grammar of SMILES. A hidden Markov model (`hmm`) writes texts by itself, and an RBM (`rbm`) chooses fragments that are
then put together (`assembling`). What was learnt in few minutes on a processor is no match for the shipped model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models import GAN, GMM, HMM, VAE
from genapps.models.base import Family
from genapps.spaces import Columns, Continuous, Tokens, space_from_json
from genapps.suggest import did_you_mean
from genapps.training import TrainingConfig
from genapps_molecule.generators.assembling import Fragments
from genapps_molecule.generators.counting import NGrams
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.language.grammar import Syntax
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.traits.novelty import Members, Training

DOMAIN, TASK = "molecule", "propose"
FAMILIES = ("autoregressive", "vae", "gan", "gmm", "hmm", "rbm", "ngram")
LATENT, HIDDEN = 48, 256
_MIXTURE = 32  # components over latents
_STATES = 64  # of the hidden Markov model
_CODED = 50_000  # molecules whose latents a GAN or a mixture learns


@dataclass(frozen=True)
class Written:
    """A hidden Markov model of texts."""

    vocabulary: Vocabulary
    model: HMM

    @classmethod
    def fit(cls, smiles: Sequence[str], training: TrainingConfig, seed: int, states: int = _STATES) -> Written:
        """Learn SMILES."""
        vocabulary, data, longest = _coded(smiles)
        model = HMM(space=Tokens(len(vocabulary), longest), n_components=states, n_init=1, random_state=seed)
        return cls(vocabulary, model.fit(data, training=training))

    def texts(self, n: int, generator: torch.Generator, temperature: float) -> list[str]:
        """n texts as they come."""
        return self.vocabulary.decode(self.model.sample(n, temperature=temperature, generator=generator))


@dataclass(frozen=True)
class Latent:
    """An autoencoder of texts, and what its latents are drawn from: its own prior where there is nothing else."""

    vocabulary: Vocabulary
    autoencoder: VAE
    prior: GMM | GAN | None = None

    @classmethod
    def fit(cls, smiles: Sequence[str], training: TrainingConfig, seed: int, prior: str = "") -> Latent:
        """Learn SMILES, and a prior of its latents: "gmm", "gan", or none."""
        vocabulary, data, longest = _coded(smiles)
        autoencoder = VAE(
            space=Tokens(len(vocabulary), longest),
            latent=LATENT,
            hidden=HIDDEN,
            beta=0.1,
            word_dropout=0.1,
            prior="normal",
            random_state=seed,
        )
        made = cls(vocabulary, autoencoder.fit(data, training=training))
        return made.with_prior(prior, smiles, training, seed) if prior else made

    def with_prior(self, prior: str, smiles: Sequence[str], training: TrainingConfig, seed: int) -> Latent:
        """The same autoencoder with a mixture ("gmm") or a GAN ("gan") of the latents of molecules."""
        latents = self.encode(smiles[:_CODED])
        model: GMM | GAN
        if prior == "gmm":
            model = GMM(min(_MIXTURE, max(1, len(latents) // (4 * LATENT))), random_state=seed).fit(latents)
        else:
            space = Columns((Continuous(),) * latents.shape[1])
            model = GAN(space=space, random_state=seed).fit(latents, training=training)
        return Latent(self.vocabulary, self.autoencoder, model)

    def encode(self, smiles: Sequence[str]) -> Tensor:
        """The latents of SMILES (N, L). Raises InputError for one that is longer than what was learnt."""
        return self.autoencoder.transform(self.vocabulary.encode(smiles))

    def decode(self, latents: Tensor, generator: torch.Generator, temperature: float = 1.0) -> list[str]:
        """A text in the grammar for each of latents (N, L)."""
        codes = self.autoencoder.decode(latents, grammar=self._syntax, temperature=temperature, generator=generator)
        return self.vocabulary.decode(codes)

    def texts(self, n: int, generator: torch.Generator, temperature: float) -> list[str]:
        """n texts in the grammar."""
        latents = self._latents(n, generator)
        return self.decode(torch.as_tensor(latents).float(), generator, temperature)

    def around(
        self, lead: str, n: int, generator: torch.Generator, *, width: float = 0.5, temperature: float = 0.7
    ) -> list[str]:
        """n texts from near a lead's latents: noise of `width` deviations of what the latents of molecules have."""
        noise = torch.randn(n, LATENT, generator=generator)
        return self.decode(self.encode([lead]) + width * noise, generator, temperature)

    def between(self, first: str, last: str, steps: int, generator: torch.Generator) -> list[str]:
        """Texts on the straight line from one molecule's latents to another's, both among them."""
        ends = self.encode([first, last])
        share = torch.linspace(0, 1, steps)[:, None]
        return self.decode(ends[:1] + share * (ends[1:] - ends[:1]), generator, 0.2)

    @cached_property
    def _syntax(self) -> Syntax:
        return Syntax(self.vocabulary)

    def _latents(self, n: int, generator: torch.Generator) -> Tensor:
        if self.prior is not None:
            return torch.as_tensor(self.prior.sample(n, generator=generator))
        return torch.randn(n, LATENT, generator=generator)


@dataclass(frozen=True)
class FamilyModel:
    """A maker of one family with what is known of it; a `Drawer` that can be kept."""

    family: str
    maker: Written | Latent | Fragments | NGrams
    members: Members | None = None
    training: Training | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """n texts, valid or not. Raises UsageError for prompts that the family cannot begin with."""
        if isinstance(self.maker, NGrams):
            return self.maker.draw(n, generator, prompts=prompts, temperature=temperature)
        if prompts is not None:
            raise UsageError(f"{self.family} draws whole molecules and cannot go on from a prompt; use autoregressive")
        return self.maker.texts(n, generator, temperature)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file."""
        from genapps.io.artifact import write_artifact

        arrays, facts = _state(self.maker)
        header = {"domain": DOMAIN, "task": TASK, "family": self.family, "maker": facts, "card": dict(self.card)}
        for name, part in (("members", self.members), ("training", self.training)):
            if part is not None:
                held, header[name] = part.state()
                arrays |= {f"{name}/{key}": array for key, array in held.items()}
        write_artifact(path, arrays, header)

    @classmethod
    def load(cls, path: str | Path) -> FamilyModel:
        """What `save` wrote. Raises InputError where the file is damaged or holds something else."""
        from genapps.io.artifact import read_artifact

        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if (header.get("domain"), header.get("task")) != (DOMAIN, TASK) or "maker" not in header:
            raise InputError(f"{path}: not a family of molecules")
        try:
            maker = _restored(header["family"], artifact.tensors, header["maker"])
            members = Members.restore(_branch(artifact.tensors, "members/"), header.get("members"))
            training = Training.restore(_branch(artifact.tensors, "training/"), header.get("training"))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: does not hold what a model of molecules must; fit it again") from error
        return cls(header["family"], maker, members, training, header.get("card", {}))


def fit_family(
    family: str, smiles: Sequence[str], *, training: TrainingConfig | None = None, seed: int = 0
) -> FamilyModel:
    """Learn canonical SMILES with a family other than autoregressive, which `fitting` learns.

    Raises UsageError for an unknown family, InputError where there is nothing to learn.
    """
    how = training or TrainingConfig()
    makers: dict[str, Callable[[], Written | Latent | Fragments | NGrams]] = {
        "hmm": lambda: Written.fit(smiles, how, seed),
        "vae": lambda: Latent.fit(smiles, how, seed, "gmm"),
        "gmm": lambda: Latent.fit(smiles, how, seed, "gmm"),
        "gan": lambda: Latent.fit(smiles, how, seed, "gan"),
        "rbm": lambda: Fragments.fit(smiles, how, seed),
        "ngram": lambda: NGrams.fit(smiles),
    }
    if family not in makers:
        raise UsageError(f"no family {family!r} here.{did_you_mean(family, makers)} There are: {', '.join(makers)}")
    if not smiles:
        raise InputError("no molecules to learn from")
    return FamilyModel(family, makers[family](), Members.of(smiles, len(smiles)), card={"molecules": len(smiles)})


def load_drawer(path: str | Path) -> SmilesModel | FamilyModel:
    """A model of molecules of whichever family. Raises InputError as their `load` does."""
    from genapps.io.artifact import read_artifact

    if "maker" in read_artifact(path).header:
        return FamilyModel.load(path)
    return SmilesModel.load(path)


def _coded(smiles: Sequence[str]) -> tuple[Vocabulary, Any, int]:
    """A vocabulary of just the codes that occur often, the texts as codes, and the longest of them."""
    vocabulary = Vocabulary.of(smiles)
    data = vocabulary.encode(smiles)
    return vocabulary, data, int(data.lengths.max())


def _state(maker: Written | Latent | Fragments | NGrams) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if isinstance(maker, Fragments):
        return maker.state()
    facts: dict[str, Any] = {"vocabulary": list(maker.vocabulary.texts)}
    if isinstance(maker, NGrams):
        arrays, held = maker.state()
        return arrays, {**facts, **held}
    arrays = {}
    models = (
        {"model": maker.model}
        if isinstance(maker, Written)
        else {"autoencoder": maker.autoencoder, "prior": maker.prior}
    )
    for name, model in models.items():
        if model is not None:
            tensors, settings = model.state()
            arrays |= {f"{name}/{key}": tensor.detach().cpu().numpy() for key, tensor in tensors.items()}
            facts[name] = {"family": model.family, "space": model.space.to_json(), "settings": settings}
    return arrays, facts


def _restored(
    family: str, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]
) -> Written | Latent | Fragments | NGrams:
    if family == "rbm":
        return Fragments.restore(arrays, facts)
    vocabulary = Vocabulary(tuple(facts["vocabulary"]))
    if family == "ngram":
        return NGrams.restore(vocabulary, arrays, facts)
    models = {
        name: _model(_branch(arrays, f"{name}/"), facts[name])
        for name in ("model", "autoencoder", "prior")
        if name in facts
    }
    if family == "hmm":
        return Written(vocabulary, models["model"])  # type: ignore[arg-type]
    return Latent(vocabulary, models["autoencoder"], models.get("prior"))  # type: ignore[arg-type]


def _model(arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Family:
    from genapps.models import family_class

    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    return family_class(facts["family"]).from_state(space_from_json(facts["space"]), tensors, facts["settings"])


def _branch(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
