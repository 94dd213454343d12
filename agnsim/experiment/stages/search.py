"""Stage: learn, for every noise weight, how much noise each layer tolerates."""

from __future__ import annotations

import time

from agnsim.experiment.context import Context
from agnsim.experiment.store import State, address
from agnsim.experiment.train import make_training, selection_accuracy, training_loss
from agnsim.noise import search_noise
from agnsim.training import derive_seed, seed_everything
from agnsim.types import FloatArray, Json


def search(context: Context) -> None:
    """Run one noise search per noise weight, each from the quantised network and resumable epoch by epoch.

    A search's trial keeps the network that matching goes on from: the searched weights, or those before the search.
    """
    section = context.study.search
    parent = context.findings.quantized
    if section is None or parent is None:
        return
    for noise_weight in section.noise_weights:
        settings = section.definition() | {"noise_weight": noise_weight}
        del settings["noise_weights"]
        key = context.key("search", parents=[parent], **settings)

        def work(noise_weight: float = noise_weight, key: Json = key) -> tuple[Json, State]:
            started = time.perf_counter()
            # Dropout and the like draw from the global generator, whose state tells which trials were made before.
            seed_everything(derive_seed(context.study.seed, address(key)))
            title = f"noise search, noise weight {noise_weight:g}"
            model = context.restore(parent)
            training = section.training
            batches = context.training_batches(training)
            optimizer, schedule = make_training(model, training, len(batches))
            with context.progress.stage(title):
                found = search_noise(
                    model,
                    batches,
                    shapes=context.shapes,
                    noise_weight=noise_weight,
                    sigma_max=section.sigma_max,
                    sigma_init=section.sigma_init,
                    sigma_lr=section.sigma_lr,
                    epochs=training.epochs,
                    optimizer=optimizer,
                    schedule=schedule,
                    loss=training_loss(context, training),
                    max_steps=training.max_steps,
                    std_smoothing=section.std_smoothing,
                    per_channel=section.per_channel,
                    resume=context.store.unfinished(key),
                    seed=context.study.seed,
                    progress=context.progress,
                    description=title,
                )
            outcome = {
                "noise_weight": noise_weight,
                "sigma_max": section.sigma_max,
                "sigma": found.sigma,
                "selection": selection_accuracy(context, model),
                "history": found.history,
                "network": parent.outcome["network"],
                "seconds": round(time.perf_counter() - started, 3),
            }
            if section.per_channel:
                outcome["channel_sigma"] = {name: _short(values) for name, values in found.channel_sigma.items()}
            kept = context.restore(parent) if section.weights == "kept" else model
            return outcome, kept.state_dict()

        trial = context.store.get_or_make(key, work, base=parent.digest)
        context.store.unfinished(key).unlink(missing_ok=True)
        context.findings.searches.append(trial)


def _short(values: FloatArray) -> list[float]:
    """Round to six significant digits: the record stays readable."""
    return [float(f"{value:.6g}") for value in values]
