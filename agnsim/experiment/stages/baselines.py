"""Stage: other ways to an assignment, at equal budgets of emulated networks: what the noise search has to beat.

Every method proposes assignments of at most a given energy; each is emulated, not retrained, on the same selection
images, and the one that gets most of them right becomes a trial like any other.
"""

from __future__ import annotations

import functools
import time

from agnsim.experiment.assigned import retrained_network
from agnsim.experiment.baseline_networks import BaselineNetworks
from agnsim.experiment.comparison import Comparison
from agnsim.experiment.context import Context
from agnsim.experiment.error_table import error_table
from agnsim.experiment.sections import BaselinesSection
from agnsim.experiment.sensitivity import layer_losses
from agnsim.experiment.store import Trial, address
from agnsim.noise.baselines import Assignments, best_within, evolve, random_assignments, sensitivity_assignments
from agnsim.noise.baselines.evolution import check_available
from agnsim.training import derive_seed
from agnsim.types import FloatArray, Json


def baselines(context: Context) -> None:
    """Compare what every method proposes for every energy, keep the best of each and retrain it where asked for."""
    section, start = context.study.baselines, context.findings.quantized
    if section is None or start is None:
        return
    if "nsga2" in section.methods:
        check_available()
    methods = _Methods(context, section, start)
    for energy in section.energies:
        for method in section.methods:
            compared = methods.compare(method, energy)
            if not compared.outcome["proposals"]:
                context.progress.message(
                    f"baselines, {method}: no assignment of at most {energy:g} of the energy was found"
                )
                continue
            kept = methods.keep(method, energy, compared)
            context.findings.add(kept)
            if section.retrain is not None:
                context.findings.add(retrained_network(context, kept, section.retrain))


class _Methods:
    """The methods at work on one network."""

    def __init__(self, context: Context, section: BaselinesSection, start: Trial) -> None:
        self.context, self.section, self.start = context, section, start
        self.comparison = Comparison(context, section.images)
        every = error_table(context, start, measured_too=False)
        self.errors = every.only(["*"], section.exclude, place="baselines.exclude")
        plain = BaselineNetworks(context, start, self.errors)
        self.networks: dict[str, BaselineNetworks] = {method: plain for method in section.methods}
        if section.remap_weights and "nsga2" in section.methods:
            self.networks["nsga2"] = BaselineNetworks(context, start, self.errors, remap=True)

    def compare(self, method: str, energy: float) -> Trial:
        """Return the emulated proposals of a method: accuracy and loss of each, and the best one's number."""

        def work() -> tuple[Json, None]:
            started = time.perf_counter()
            table, proposals = self.networks[method].table, self._propose(method, energy)
            rows: list[Json] = []
            title = f"{method}, energy <= {energy:g}"
            with self.context.progress.stage(title), self.context.progress.track(len(proposals), title) as task:
                for proposal in proposals:
                    chosen = table.chosen(proposal)
                    accuracy, loss = self.comparison.accuracy_and_loss(self.networks[method].network(chosen))
                    rows.append(
                        {
                            "circuits": [table.circuits[circuit] for circuit in proposal],
                            "options": list(chosen.values()),
                            "energy": float(table.energy(proposal)),
                            "predicted_error": float(table.error(proposal)),
                            "accuracy": accuracy,
                            "loss": loss,
                        }
                    )
                    task.advance(1)
            best = min(range(len(rows)), key=lambda i: (-rows[i]["accuracy"], rows[i]["loss"])) if rows else None
            return {
                "proposals": rows,
                "best": best,
                "emulated": len(rows),
                "measurements": int(table.usable.sum()) if method == "sensitivity" else 0,
                "images": self.comparison.images,
                "seconds": round(time.perf_counter() - started, 3),
            }, None

        settings = {name: getattr(self.section, name) for name in _SETTINGS[method]}
        key = self.context.key(
            "baseline",
            parents=[self.start],
            method=method,
            energy=energy,
            verify=self.section.verify,
            **settings,
            **self._definition,
        )
        return self.context.store.get_or_make(key, work)

    def keep(self, method: str, energy: float, compared: Trial) -> Trial:
        """Return the trial of the best of a method's proposals."""
        outcome = compared.outcome
        best = outcome["proposals"][outcome["best"]]
        chosen = dict(zip(self.errors.candidates, best["options"], strict=True))
        record: Json = {
            "method": method,
            "multiplier": f"mix, energy <= {energy:g}",
            "energy_limit": energy,
            **{name: outcome[name] for name in ("emulated", "measurements", "images")},
            "verified": [{name: row[name] for name in _JUDGED} for row in outcome["proposals"]],
        }
        if method == "sensitivity":
            record["added_losses"] = self._added_losses()
        return self.networks[method].trial(chosen, record)

    def _propose(self, method: str, energy: float) -> Assignments:
        section, table = self.section, self.networks[method].table
        seed = derive_seed(self.context.study.seed, "baselines", method, repr(energy))
        if method == "sensitivity":
            return sensitivity_assignments(table, self._losses, energy, section.verify, seed=seed)
        if method == "random":
            return random_assignments(table, energy, section.verify, seed=seed, max_distinct=section.max_distinct)
        return best_within(table, self._front, energy, section.verify)

    @functools.cached_property
    def _front(self) -> Assignments:
        section = self.section
        with self.context.progress.stage("evolution of assignments on predicted error"):
            return evolve(
                self.networks["nsga2"].table,
                population=section.population,
                generations=section.generations,
                seed=derive_seed(self.context.study.seed, "baselines", "nsga2"),
                max_distinct=section.max_distinct,
            )

    @functools.cached_property
    def _losses(self) -> FloatArray:
        networks = self.networks["sensitivity"]
        return layer_losses(
            self.context,
            self.start,
            networks.table,
            self.comparison,
            lambda layer, index: networks.network({layer: index}),
            self._definition,
        )

    def _added_losses(self) -> Json:
        """Return by layer and circuit how much loss the circuit adds in that layer alone."""
        table, mean = self.networks["sensitivity"].table, self._losses.mean(axis=2)
        return {
            layer: {
                circuit: float(f"{mean[row, column]:.6g}")
                for column, circuit in enumerate(table.circuits)
                if table.usable[row, column]
            }
            for row, layer in enumerate(table.layers)
        }

    @functools.cached_property
    def _definition(self) -> Json:
        """What every comparison depends on: the candidates with their energies, the corrections, the images."""
        match = self.context.study.match
        candidates = {
            layer: [[option.choice.label, option.choice.effective.digest, option.energy_ratio] for option in options]
            for layer, options in self.errors.candidates.items()
        }
        return {
            "candidates": address(candidates),
            "images": self.section.images,
            "fold_mean": match.fold_mean,
            "batch_norm_images": match.batch_norm_images,
            "rows": match.rows,
            "ranges": match.ranges,
            **({"batch_norm": "augmented"} if match.batch_norm_images else {}),  # what changed since the first ones
            **({} if match.pairing == "sampled" else {"pairing": match.pairing}),
        }


_JUDGED = ("energy", "predicted_error", "accuracy", "loss")
_SETTINGS: dict[str, tuple[str, ...]] = {
    "sensitivity": (),
    "nsga2": ("population", "generations", "max_distinct", "remap_weights"),
    "random": ("max_distinct",),
}
"""Keys of the section that a method's proposals depend on."""
