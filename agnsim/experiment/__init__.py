"""Studies: YAML -> typed configuration -> a visible list of stages -> run folder."""

from agnsim.experiment.config import Study, load_study
from agnsim.experiment.evaluate import evaluate_trial
from agnsim.experiment.run import STAGES, run_study
from agnsim.experiment.status import run_status

__all__ = ["STAGES", "Study", "evaluate_trial", "load_study", "run_status", "run_study"]
