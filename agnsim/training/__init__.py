"""Training and evaluation of networks in any arithmetic."""

from agnsim.training.batch_norm import reestimate_batch_norm as reestimate_batch_norm
from agnsim.training.best_epoch import BestEpoch as BestEpoch
from agnsim.training.checkpoint import Companion as Companion
from agnsim.training.checkpoint import load_training as load_training
from agnsim.training.checkpoint import save_training as save_training
from agnsim.training.evaluate import Evaluation as Evaluation
from agnsim.training.evaluate import evaluate as evaluate
from agnsim.training.evaluate import evaluation_mode as evaluation_mode
from agnsim.training.evaluate import predict as predict
from agnsim.training.loop import History as History
from agnsim.training.loop import fit as fit
from agnsim.training.losses import LossFunction as LossFunction
from agnsim.training.losses import cross_entropy as cross_entropy
from agnsim.training.losses import distillation as distillation
from agnsim.training.optimizers import make_optimizer as make_optimizer
from agnsim.training.schedules import Schedule as Schedule
from agnsim.training.schedules import make_schedule as make_schedule
from agnsim.training.schedules import schedules as schedules
from agnsim.training.seeds import derive_seed as derive_seed
from agnsim.training.seeds import seed_everything as seed_everything

__all__ = [
    "BestEpoch",
    "Companion",
    "Evaluation",
    "History",
    "LossFunction",
    "Schedule",
    "cross_entropy",
    "derive_seed",
    "distillation",
    "evaluate",
    "evaluation_mode",
    "fit",
    "load_training",
    "make_optimizer",
    "make_schedule",
    "predict",
    "reestimate_batch_norm",
    "save_training",
    "schedules",
    "seed_everything",
]
