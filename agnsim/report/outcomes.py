"""Per-image outcomes of a run's trials, from the files beside its record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agnsim.analysis import unpack_outcomes
from agnsim.errors import RunFolderError
from agnsim.report.record import Trial

Outcomes = dict[str, NDArray[np.bool_]]


def read_outcomes(run_dir: Path, trials: Iterable[Trial], images: Literal["selection", "report"]) -> Outcomes:
    """Return which of the selection or report images each trial got right, by its id.

    Trials whose file the run folder lacks, as where only its record was kept, are left out.

    Raises:
        RunFolderError: A file is there and cannot be read, or does not hold what the record says of it.
    """
    found: Outcomes = {}
    for trial in trials:
        path = run_dir / "trials" / f"{trial.trial}.json"
        try:
            part = json.loads(path.read_text(encoding="utf-8"))["outcome"]["evaluation"][images]
            correct = unpack_outcomes(part)
        except OSError:
            continue
        except (ValueError, KeyError, TypeError, RunFolderError) as error:
            raise RunFolderError(f"{path}: outcome.evaluation.{images}: {error!r}. Run the study again.") from None
        stated = trial.accuracy_top1 if images == "report" else trial.accuracy_selection
        if stated is not None and abs(100.0 * float(correct.mean()) - stated) > 1e-6:
            raise RunFolderError(
                f"{path}: outcome.evaluation.{images} has {100.0 * float(correct.mean()):.4f} % right, the record says "
                f"{stated:.4f} %. They are of two runs; resume the study to write the record again."
            )
        found[trial.trial] = correct
    return found
