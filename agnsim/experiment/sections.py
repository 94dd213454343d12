"""The sections of a study file: every key, its meaning and its default. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from agnsim.errors import UnknownName
from agnsim.nn.gradients import STRAIGHT_THROUGH, estimator
from agnsim.noise import SIGMA_MIN
from agnsim.types import Json

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Bits = Annotated[int, Field(ge=2, le=8)]
Sigma = Annotated[float, Field(ge=SIGMA_MIN, allow_inf_nan=False)]
Item = TypeVar("Item")


def _distinct(values: list[Item]) -> list[Item]:
    """Refuse a list that names something twice: the second would be the very trial that the first is."""
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice")
    return values


Distinct = Annotated[list[Item], AfterValidator(_distinct)]


def _estimator(text: str) -> str:
    """Refuse what names no gradient estimator, in the way pydantic understands."""
    try:
        estimator(text)
    except UnknownName as error:
        raise ValueError(str(error)) from None
    return text


class Section(BaseModel):
    """Base of all sections: frozen, strict about names and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    later: ClassVar[frozenset[str]] = frozenset()
    """Keys that the first version of the section lacked."""

    def definition(self) -> Json:
        """Return what of the section defines a trial: every key, but for later ones at their defaults.

        A key that is added does not change the address of the trials made before it.
        """
        found: Json = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name not in self.later or value != field.default:
                found[name] = value.definition() if isinstance(value, Section) else value
        return found


class ModelSection(Section):
    """The network."""

    name: str = Field(description="a name from `agnsim list models`, `torchvision:NAME` or `module:callable`")
    weights: str | None = Field(
        None, description="state dict (.pt or .safetensors), relative to the data root; none: train"
    )
    options: dict[str, Any] = Field({}, description="keyword arguments of the model's constructor")


class DataSection(Section):
    """The images, and which of them choose and which of them judge."""

    name: str = Field(description="a name from `agnsim list datasets` or `module:callable`")
    root: str | None = Field(None, description="data root; default: the environment variable AGNSIM_DATA")
    options: dict[str, Any] = Field({}, description="keyword arguments of the data set")
    selection: Literal["validation", "test_half"] = Field(
        "validation",
        description="images that choose: a part of the training set, or, where that is memorised, half of the test set",
    )
    validation: Count | Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="size of the validation part: images or fraction of the training set"
    )
    calibration: Count = Field(256, description="training images that set the quantisers' ranges and the error model")
    batch_size: Count = Field(128, description="images per training step")
    evaluation_batch_size: Count = Field(256, description="images per evaluation step")


class LibrarySection(Section):
    """The circuits that may be chosen."""

    name: str = Field(
        "builtin", description="`builtin`, or a library folder, relative to the data root or the working folder"
    )
    include: list[str] = Field(["*"], description="patterns of circuit names")
    exclude: list[str] = Field([], description="patterns of circuit names")
    costs: str | None = Field(
        None, description="CSV file of your own costs, which take the place of the library's; looked up like `name`"
    )
    front: Count | None = Field(
        None,
        description="keep at most so many: those of the Pareto set of error and energy, of each operand width and "
        "sign, spread over the energies",
    )


class MoreLibrarySection(LibrarySection):
    """Circuits of another library, perhaps of another flow: each enters as its ratio within its own flow."""

    name: str = Field(description="`builtin`, or a library folder, relative to the data root or the working folder")
    reference_multiplier: str = Field(
        description="exact 8-bit circuit of this library: the denominator of its circuits' energies"
    )


class QuantizationSection(Section):
    """Uniform integer quantisation of weights and activations."""

    activation_bits: Bits = Field(8, description="width of activation codes")
    weight_bits: Bits = Field(8, description="width of weight codes")
    activation: Literal["auto", "unsigned", "symmetric", "affine"] = Field(
        "auto",
        description="auto: symmetric where every circuit is signed, else unsigned with a zero point where needed",
    )
    per_channel_weights: bool = Field(True, description="one weight scale per output channel, else one per layer")
    activation_calibration: Literal["minmax", "percentile", "mse"] = Field(
        "mse", description="how activation ranges are chosen: observed extremes, a percentile, or least squared error"
    )
    weight_calibration: Literal["minmax", "percentile", "mse"] = Field(
        "minmax", description="how weight ranges are chosen"
    )
    percentile: Annotated[float, Field(gt=50, le=100)] = Field(
        99.99, description="percent of the values that a `percentile` range keeps"
    )
    learnable: bool = Field(False, description="train the quantisers' scales too")
    exclude: list[str] = Field([], description="patterns of layer names left in floating point")
    first_layer: Literal["same", "exact", "float"] = Field(
        "same", description="the first layer executed: as the others; 8 bits with exact products; floating point"
    )
    last_layer: Literal["same", "exact", "float"] = Field("same", description="likewise the last layer executed")


class TrainingSection(Section):
    """One training: epochs, optimiser, schedule."""

    later = frozenset({"patience"})

    epochs: Count = Field(description="passes over the training images")
    max_steps: Count | None = Field(None, description="stop after so many steps, whatever the epochs")
    optimizer: Literal["sgd", "adam"] = Field("sgd", description="adam has decoupled weight decay (AdamW)")
    lr: Positive = Field(description="learning rate at the start")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(0.9, description="of SGD; Adam's first moment")
    weight_decay: NonNegative = Field(0.0, description="of weight matrices and kernels only")
    schedule: Literal["constant", "step", "cosine"] = Field(
        "cosine", description="of the learning rate; step: a tenth of it from a half and again from three quarters on"
    )
    augment: bool = Field(True, description="the data set's own augmentation (crop and flip for CIFAR)")
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the target spread over all classes"
    )
    distillation: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="weight of the float network's softened outputs in the loss (1: nothing else)"
    )
    gradient: Annotated[str, AfterValidator(_estimator)] = Field(
        STRAIGHT_THROUGH,
        description="how a circuit is differentiated, from `agnsim list gradients`; without circuits of no effect",
    )
    patience: Count | None = Field(
        None,
        description="stop when so many epochs in a row have not raised the accuracy on the selection images, and keep "
        "the best epoch; none: train to the end and keep the last",
    )


class NarrowSection(Section):
    """Exact networks with narrower operands: the honest rival of every approximate circuit."""

    widths: Distinct[str] = Field(description="operand widths: a6w5 is 6-bit activations and 5-bit weights")
    retrain: TrainingSection | None = Field(None, description="quantisation-aware training of each")
    retrain_include: list[str] = Field(["*"], description="patterns of the widths that are trained")
    keep_untrained: bool = Field(True, description="also report each before its training")

    @field_validator("widths")
    @classmethod
    def _widths(cls, widths: list[str]) -> list[str]:
        for width in widths:
            parse_width(width)
        return widths


class UniformSection(Section):
    """The same circuit in every layer."""

    include: list[str] = Field(["*"], description="patterns of circuit names, within the library's selection")
    retrain: TrainingSection | None = Field(None, description="retraining of each through bit-exact emulation")
    retrain_include: list[str] = Field(["*"], description="which of them are retrained too")


class SearchSection(Section):
    """Learn each layer's noise tolerance, once per noise weight."""

    later = frozenset({"std_smoothing", "per_channel", "weights"})

    noise_weights: Distinct[NonNegative] = Field(min_length=1, description="the paper's lambda, one search each")
    sigma_max: Sigma = Field(0.5, description="largest sigma: noise std over the layer's output std")
    sigma_init: Sigma = Field(0.1, description="first value of every sigma, at most sigma_max")
    sigma_lr: Positive = Field(0.02, description="learning rate of log sigma (Adam)")
    std_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="weight of the past in the running average of std(y) that scales the noise; 0: the batch's",
    )
    per_channel: bool = Field(False, description="one noise level per output channel instead of one per layer")
    weights: Literal["trained", "kept"] = Field(
        "trained", description="matching goes on from the weights trained under noise, or from those before the search"
    )
    training: TrainingSection = Field(description="the training that weights and noise levels share")

    @model_validator(mode="after")
    def _begins_below_the_cap(self) -> SearchSection:
        if self.sigma_init > self.sigma_max:
            raise ValueError(f"sigma_init {self.sigma_init:g} exceeds sigma_max {self.sigma_max:g}; lower it")
        if self.training.patience is not None:
            raise ValueError("training.patience: the most accurate epoch would be that of least noise; leave it out")
        return self


class PlanSection(Section):
    """One way of turning tolerances into circuits."""

    method: Literal["greedy", "global"] = Field(
        "greedy",
        description="greedy: the cheapest circuit within each layer's tolerance; global: the least energy within one "
        "budget of predicted degradation for all layers",
    )
    energy: Literal["multiplier", "pe"] = Field(
        "multiplier",
        description="what is to be least: multiplier, the multiplications' energy; pe, that of whole MACs with their "
        "sign handling, accumulators and registers",
    )
    include: list[str] = Field(["*"], description="patterns of circuits that may be chosen")
    exclude: list[str] = Field([], description="patterns of circuits that may not")
    tolerance_scales: Distinct[Positive] | None = Field(
        None, min_length=1, description="in place of `match.tolerance_scales`"
    )
    max_distinct: Count | None = Field(None, description="global: at most so many distinct circuits")
    max_delay: Positive | None = Field(
        None, description="longest critical path of a circuit, 1.0 = that of its flow's reference"
    )
    max_area: Positive | None = Field(
        None, description="global: area of all distinct circuits together, 1.0 = that of its flow's reference"
    )
    shared: list[list[str]] = Field(
        [], description="global: groups of layers, as patterns of names, that hold the same circuit"
    )
    retrain: bool = Field(True, description="retrain what this plan finds, where the study has a `retrain` section")

    @model_validator(mode="after")
    def _only_global_sees_all_layers(self) -> PlanSection:
        given = [name for name in ("max_distinct", "max_area", "shared") if getattr(self, name)]
        if self.method == "greedy" and given:
            raise ValueError(f"{given[0]} needs `method: global`; greedy looks at one layer at a time")
        return self


class MatchSection(Section):
    """Give every layer the cheapest circuit whose predicted error fits its tolerance."""

    exclude: list[str] = Field([], description="patterns of circuits that are not matched, though evaluated uniformly")
    tolerance_scales: Distinct[Positive] = Field(
        [1.0], min_length=1, description="factors on every tolerance, one assignment each: one search, many points"
    )
    plans: list[PlanSection] = Field(
        [PlanSection()], min_length=1, description="ways of turning tolerances into circuits, each with every scale"
    )
    fold_mean: Literal["none", "predicted", "measured"] = Field(
        "measured",
        description="whose mean error per output channel joins the bias: the error model's, or the sampled one",
    )
    ranges: Literal["fitted", "calibrated"] = Field(
        "fitted",
        description="fitted: each layer's quantisers are narrowed so that its circuit is predicted to err least; "
        "calibrated: they stay as calibrated for exact products",
    )
    batch_norm_images: Annotated[int, Field(ge=0)] = Field(
        0, description="re-estimate batch norm on so many training images; 0: no"
    )
    mean_limit: Positive = Field(
        1.0, description="where neither removes the means: a layer's mean error is at most so many times its tolerance"
    )
    pairing: Literal["sampled", "random", "independent"] = Field(
        "sampled",
        description="how the error model lets activations meet weights: as in the sampled receptive fields, at random, "
        "or drawn anew for every product, as the paper does",
    )
    rows: Count = Field(512, description="receptive fields sampled per layer")
    measure: bool = Field(True, description="put the error on other training images beside every prediction")


class BaselinesSection(Section):
    """Other ways to an assignment, from the quantised network and at equal budgets of emulated networks."""

    methods: Distinct[Literal["sensitivity", "nsga2", "random"]] = Field(
        ["sensitivity", "nsga2", "random"],
        min_length=1,
        description="sensitivity: layer by layer in the order of measured loss per energy saved; nsga2: evolution on "
        "predicted error, as ALWANN; random: the best of as many random assignments",
    )
    energies: Distinct[Annotated[float, Field(gt=0, le=1)]] = Field(
        min_length=1,
        description="multiplication energies at most, 1.0 = reference: one assignment of each method each",
    )
    exclude: list[str] = Field([], description="patterns of circuits that may not be chosen")
    verify: Count = Field(10, description="assignments per method and energy that are emulated; the best is kept")
    images: Count = Field(1000, description="selection images on which assignments are compared")
    population: Annotated[int, Field(ge=4)] = Field(64, description="nsga2: assignments per generation")
    generations: Count = Field(1000, description="nsga2: generations")
    max_distinct: Count | None = Field(None, description="nsga2, random: at most so many distinct circuits")
    remap_weights: bool = Field(
        True, description="nsga2: replace each weight by the one whose products come closest to the exact ones"
    )
    retrain: TrainingSection | None = Field(None, description="retraining of the one kept, through emulation")


class HeadlineSection(Section):
    """Which heterogeneous network the record names first; decided on selection images."""

    max_drop_pp: NonNegative = Field(1.0, description="points below float on the selection images")
    paper: str | None = Field(None, description="what a paper reports for the same, to stand beside it in tables")


def parse_width(width: str) -> tuple[int, int]:
    """Return `(activation_bits, weight_bits)` of a name such as `a6w5`.

    Raises:
        ValueError: Not of the form aXwY with widths of 2 to 8 bits.
    """
    digits = width[1:].split("w")
    if width[:1] == "a" and len(digits) == 2 and all(d.isdigit() and 2 <= int(d) <= 8 for d in digits):
        return int(digits[0]), int(digits[1])
    raise ValueError(f"{width!r} is not a width such as a6w5 (2 to 8 bits each)")
