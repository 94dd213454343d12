"""What the stages of one study share: configuration, images, circuits, trials and findings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from agnsim.data import Batches, DataSource, Splits
from agnsim.data.source import Augmentation
from agnsim.errors import RunFolderError
from agnsim.experiment.config import Study
from agnsim.experiment.graphs import evaluated_graph, training_graph
from agnsim.experiment.results import pack
from agnsim.experiment.sections import TrainingSection
from agnsim.experiment.store import State, Trial, TrialStore
from agnsim.models import build_model
from agnsim.multipliers import Assignment, Library, Multiplier
from agnsim.nn import describe, rebuild
from agnsim.noise import Candidate, candidates
from agnsim.progress import Progress
from agnsim.training import evaluate
from agnsim.types import Json, LayerShape

TRIAL_FORMAT = 2
"""Part of every trial's address; raised when the meaning of a trial changes. 2: judged by the deployed graph."""


@dataclass
class Findings:
    """What the stages have found so far, in the order the record lists it."""

    float_network: Trial | None = None
    quantized: Trial | None = None
    searches: list[Trial] = field(default_factory=list)
    predictions: list[Json] = field(default_factory=list)
    matched: list[Trial] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    timings: list[Json] = field(default_factory=list)

    def add(self, trial: Trial) -> None:
        """List a trial; the same network found twice (two tolerances, one assignment) is one trial."""
        if all(trial.digest != known.digest for known in self.trials):
            self.trials.append(trial)


@dataclass
class Context:
    """One study at work.

    Attributes:
        study: The configuration.
        source: The data set as loaded.
        splits: Its images by purpose.
        library: The circuits that may be chosen.
        references: The exact circuits that energies are ratios to, one for each flow; the study's own first.
        shapes: Size of every multiplying layer, in the network's order.
        store: The run folder's trials.
        progress: Where progress is shown.
        findings: What the stages have found.
    """

    study: Study
    source: DataSource
    splits: Splits
    library: Library
    references: tuple[Multiplier, ...]
    shapes: dict[str, LayerShape]
    store: TrialStore
    progress: Progress
    findings: Findings = field(default_factory=Findings)
    _candidates: dict[bool, list[Candidate]] = field(default_factory=dict)

    def candidates(self, *, signed_a: bool) -> list[Candidate]:
        """Return every way to use the library's circuits on signed or on non-negative activations.

        They are made once per study: encoded tables and their factors are costly, and all layers share them.
        """
        if signed_a not in self._candidates:
            self._candidates[signed_a] = candidates(self.library, self.references, signed_a=signed_a)
        return self._candidates[signed_a]

    @property
    def means_removed(self) -> bool:
        """Whether the mean error of every output channel will be folded into the bias or absorbed by batch norm."""
        return self.study.match.fold_mean != "none" or self.study.match.batch_norm_images > 0

    @property
    def assignable(self) -> list[str]:
        """Layers that may hold another circuit than the exact one: converted, and not set aside by the study."""
        trial = self.findings.quantized
        layers = trial.outcome["network"]["layers"] if trial else {}
        return [name for name in self.shapes if name in layers and layers[name]["assignable"]]

    @property
    def device(self) -> torch.device:
        """Where networks run."""
        return torch.device(self.study.device)

    def new_model(self) -> nn.Module:
        """Return the float network, freshly initialised, on the device."""
        return new_model(self.study, self.source)

    def key(self, kind: str, *, parents: Sequence[Trial] = (), **settings: Any) -> Json:
        """Return the definition of a trial: shared by everything that could change its outcome."""
        study = self.study
        return {
            "format": TRIAL_FORMAT,
            "kind": kind,
            "seed": study.seed,
            "model": study.model.model_dump(),
            "data": study.data.model_dump(exclude={"root"}) | {"digest": self.source.digest},
            "parents": [parent.digest for parent in parents],
            "settings": settings,
        }

    def trial(
        self, key: Json, title: str, make: Callable[[], tuple[nn.Module, Json]], *, base: Trial | None = None
    ) -> Trial:
        """Return the network trial defined by `key`; where it is new, make the network, evaluate and keep it.

        Args:
            key: From `self.key`.
            title: One line for the progress display.
            make: Returns the network and what else to record of it.
            base: Trial most of whose tensors the network shares.
        """

        def work() -> tuple[Json, State]:
            started = time.perf_counter()
            with self.progress.stage(title):
                model, outcome = make()
                evaluated, choice = evaluated_graph(key["kind"], model)
                evaluation = self.evaluate(evaluated)
                comparison = training_graph(
                    model,
                    evaluated,
                    evaluation,
                    self.splits,
                    self.study,
                    self.progress,
                    self.calibration_batches,
                )
            network = None if key["kind"] == "float" else describe(model)
            outcome = (
                outcome
                | choice
                | comparison
                | {
                    "network": network,
                    "evaluation": evaluation,
                    "seconds": round(time.perf_counter() - started, 3),
                }
            )
            return outcome, model.state_dict()

        return self.store.get_or_make(key, work, base=base.digest if base else None)

    def restore(self, trial: Trial, library: Library | None = None) -> nn.Module:
        """Return a trial's network as it was kept, in evaluation mode."""
        return restore(self.study, self.source, self.store, trial, library or self.library)

    def evaluate(self, model: nn.Module) -> Json:
        """Return the outcome on the selection images, the reported images and the whole test set."""
        return evaluate_parts(model, self.splits, self.study, self.progress)

    def training_batches(self, section: TrainingSection) -> Batches:
        """Return the training images, shuffled and augmented as the section says."""
        return self._training_batches(self.source.augmentation if section.augment else "none")

    def calibration_batches(self) -> list[torch.Tensor]:
        """Return the calibration images, in order, on the device."""
        size = self.study.data.evaluation_batch_size
        return [x for x, _ in Batches(self.splits.calibration, size, device=self.device)]

    def other_batches(self) -> list[torch.Tensor]:
        """Return as many training images as calibrate, others, on the device: they check what calibration predicts."""
        size = self.study.data.evaluation_batch_size
        order = torch.from_numpy(np.random.default_rng([self.study.seed, 2]).permutation(len(self.splits.train)))
        left = order[~torch.isin(self.splits.train.indices[order], self.splits.calibration.indices)]
        images = self.splits.train.subset((left if len(left) else order)[: len(self.splits.calibration)])
        return [x for x, _ in Batches(images, size, device=self.device)]

    def batch_norm_batches(self) -> Batches:
        """Return the training images, shuffled, and augmented as a network's own batch norm statistics saw them.

        Statistics of images as they are cost a network that has memorised them three points (docs/log.md).
        """
        return self._training_batches(self.source.augmentation)

    def _training_batches(self, augment: Augmentation) -> Batches:
        return Batches(
            self.splits.train,
            self.study.data.batch_size,
            shuffle=True,
            augment=augment,
            seed=self.study.seed,
            drop_last=True,
            device=self.device,
        )


def new_model(study: Study, source: DataSource) -> nn.Module:
    """Return the study's float network, freshly initialised, on its device."""
    options = {"num_classes": source.num_classes, "in_channels": source.in_channels} | study.model.options
    return build_model(study.model.name, **options).to(study.device)


def restore(study: Study, source: DataSource, store: TrialStore, trial: Trial, library: Library) -> nn.Module:
    """Rebuild a trial's network from its description, its checkpoint and the library's tables.

    Raises:
        RunFolderError: The trial keeps no network.
        LibraryError, CheckpointError: The tables are not those the trial was made with.
    """
    if "network" not in trial.outcome:
        raise RunFolderError(f"trial {trial.id} ({trial.key['kind']}) keeps no network to restore.")
    model = new_model(study, source)
    description = trial.outcome["network"]
    if description is not None:
        stored = trial.outcome.get("assignment")
        assignment = Assignment.from_json(stored, library) if stored else None
        model = rebuild(model, description, assignment)
    model.load_state_dict(store.load_state(trial.digest))
    return model.to(study.device).eval()


def evaluate_parts(model: nn.Module, splits: Splits, study: Study, progress: Progress) -> Json:
    """Evaluate once per image; parts of the test set are picked out of the whole."""
    size, device = study.data.evaluation_batch_size, torch.device(study.device)
    whole = evaluate(model, Batches(splits.all_test, size, device=device), progress=progress)

    def part(indices: torch.Tensor | None) -> Json:
        chosen = slice(None) if indices is None else indices.numpy()
        top5 = None if whole.correct_top5 is None else whole.correct_top5[chosen]
        return pack(whole.correct[chosen], top5)

    if splits.selection_in_test is not None:
        selection = part(splits.selection_in_test)
    else:
        chosen = evaluate(model, Batches(splits.selection, size, device=device), progress=progress)
        selection = pack(chosen.correct, chosen.correct_top5)
    return {"selection": selection, "report": part(splits.report_in_test), "all": part(None)}
