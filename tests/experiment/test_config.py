"""The typed study: every documented key has its default, and everything wrong is told at once, by file and line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from agnsim.errors import ConfigError
from agnsim.experiment.config import Study, load_study
from agnsim.experiment.sections import SearchSection, TrainingSection, parse_width

SMALLEST: dict[str, Any] = {
    "name": "smallest",
    "model": {"name": "lenet5"},
    "data": {"name": "digits"},
    "reference_multiplier": "mul8u_array",
    "train": {"epochs": 2, "lr": 0.1},
}
TRAINING_DEFAULTS = {
    "max_steps": None,
    "optimizer": "sgd",
    "momentum": 0.9,
    "weight_decay": 0.0,
    "schedule": "cosine",
    "augment": True,
    "label_smoothing": 0.0,
    "distillation": 0.0,
    "gradient": "straight_through",
    "patience": None,
}
DEFAULTS = {
    "format": 1,
    "name": "smallest",
    "claim": "",
    "seed": 0,
    "device": "cpu",
    "model": {"name": "lenet5", "weights": None, "options": {}},
    "data": {
        "name": "digits",
        "root": None,
        "options": {},
        "selection": "validation",
        "validation": 0.1,
        "calibration": 256,
        "batch_size": 128,
        "evaluation_batch_size": 256,
    },
    "library": {"name": "builtin", "include": ["*"], "exclude": [], "costs": None, "front": None},
    "more_libraries": [],
    "reference_multiplier": "mul8u_array",
    "quantization": {
        "activation_bits": 8,
        "weight_bits": 8,
        "activation": "auto",
        "per_channel_weights": True,
        "activation_calibration": "mse",
        "weight_calibration": "minmax",
        "percentile": 99.99,
        "learnable": False,
        "exclude": [],
        "first_layer": "same",
        "last_layer": "same",
    },
    "train": {"epochs": 2, "lr": 0.1} | TRAINING_DEFAULTS,
    "quantization_aware_training": None,
    "narrow": None,
    "uniform": None,
    "search": None,
    "match": {
        "exclude": [],
        "tolerance_scales": [1.0],
        "plans": [
            {
                "method": "greedy",
                "energy": "multiplier",
                "include": ["*"],
                "exclude": [],
                "tolerance_scales": None,
                "max_distinct": None,
                "max_delay": None,
                "max_area": None,
                "shared": [],
                "retrain": True,
            }
        ],
        "fold_mean": "measured",
        "ranges": "fitted",
        "pairing": "sampled",
        "batch_norm_images": 0,
        "mean_limit": 1.0,
        "rows": 512,
        "measure": True,
    },
    "retrain": None,
    "baselines": None,
    "headline": {"max_drop_pp": 1.0, "paper": None},
}


@pytest.fixture
def study_file(tmp_path: Path):
    def write(changes: dict[str, Any] | None = None) -> Path:
        study = yaml.safe_load(yaml.safe_dump(SMALLEST))
        for key, value in (changes or {}).items():
            *parents, last = key.split(".")
            target = study
            for parent in parents:
                target = target.setdefault(parent, {})
            target[last] = value
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(study, sort_keys=False))
        return path

    return write


def message_of(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as error:
        load_study(path, overrides)
    return str(error.value)


def test_smallest_study_has_every_default(study_file):
    assert load_study(study_file()).model_dump() == DEFAULTS


def test_optional_sections_have_their_defaults(study_file):
    training = {"epochs": 1, "lr": 0.01}
    study = load_study(
        study_file({"narrow.widths": ["a6w5"], "uniform": {}, "search": {"noise_weights": [0.1], "training": training}})
    ).model_dump()
    assert study["narrow"] == {"widths": ["a6w5"], "retrain": None, "retrain_include": ["*"], "keep_untrained": True}
    assert study["uniform"] == {"include": ["*"], "retrain": None, "retrain_include": ["*"]}
    assert study["search"] == {
        "noise_weights": [0.1],
        "sigma_max": 0.5,
        "sigma_init": 0.1,
        "sigma_lr": 0.02,
        "std_smoothing": 0.0,
        "per_channel": False,
        "weights": "trained",
        "training": training | TRAINING_DEFAULTS,
    }


def test_resolved_study_reads_as_itself(study_file, tmp_path):
    study = load_study(study_file({"train.lr": 1e-5, "narrow.widths": ["a6w5"], "data.validation": 80}))
    (tmp_path / "resolved.yaml").write_text(yaml.safe_dump(study.model_dump()))
    assert load_study(tmp_path / "resolved.yaml") == study


TEXTS = ("model.weights", "data.root", "library.costs", "headline.paper")
"""Keys that are a text or none."""


def _keys(section: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, value in section.items():
        found.append(f"{prefix}{key}")
        if isinstance(value, dict) and key != "options":
            found += _keys(value, f"{prefix}{key}.")
    return found


@pytest.mark.parametrize("key", _keys(DEFAULTS))
def test_wrong_type_of_every_key_is_told_by_name_and_line(study_file, key):
    default: Any = DEFAULTS
    for part in key.split("."):
        default = default[part]
    wrong = "text" if isinstance(default, dict) or default is None else {"a": "mapping"}
    path = study_file({key: 1.5 if key in TEXTS else wrong})
    line = _line_of(path, key)
    told = message_of(path).splitlines()
    assert any(f"{path}:{line}  {key}" in text for text in told), told


def _line_of(path: Path, key: str) -> int:
    """Return the line of a key in a file of two-space indentation."""
    parts, depth = key.split("."), 0
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        if text.startswith("  " * depth + parts[depth] + ":"):
            depth += 1
            if depth == len(parts):
                return number
    raise AssertionError(key)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("trian", {}, "trian: unknown key. Did you mean 'train'?"),
        ("train.epoch", 3, "train.epoch: unknown key. Did you mean 'epochs'?"),
        ("search.training.lrr", 3, "search.training.lrr: unknown key. Did you mean 'lr'?"),
        ("match.row", 3, "match.row: unknown key. Did you mean 'rows'?"),
        ("train.epochs", 1.5, "train.epochs: 1.5: it must be a valid integer"),
        ("train.epochs", 0, "train.epochs: 0: it must be greater than or equal to 1"),
        ("train.lr", float("nan"), "train.lr: nan: it must be"),
        ("train.lr", float("inf"), "train.lr: inf: it must be a finite number"),
        ("train.lr", 0, "train.lr: 0: it must be greater than 0"),
        ("train.optimizer", "lion", "train.optimizer: 'lion': it must be 'sgd' or 'adam'"),
        ("train", [1], "train: [1]: this is a section"),
        ("seed", -1, "seed: -1: it must be greater than or equal to 0"),
        ("seed", 2**70, "it must be less than 9223372036854775808"),
        ("name", "my study", "name: 'my study': this text is not allowed here (names the run folder"),
        ("name", "../up", "this text is not allowed here"),
        ("data.validation", "half", "'half': it must be a valid integer, or it must be a valid number"),
        ("data.validation", 1.5, "it must be less than 1"),
        ("data.selection", "test", "it must be 'validation' or 'test_half'"),
        ("narrow.widths", ["a9w4"], "'a9w4' is not a width such as a6w5 (2 to 8 bits each)"),
        ("narrow.widths", ["a4w4", "a4w4"], "'a4w4' is given twice"),
        ("search.noise_weights", [], "the list must not be empty"),
        ("search.noise_weights", [0.1, 0.1], "0.1 is given twice"),
        ("search.noise_weights", [0.1, -1], "search.noise_weights.1: -1: it must be greater than or equal to 0"),
        ("search.sigma_max", 1e-6, "search.sigma_max: 1e-06: it must be greater than or equal to 0.0001"),
        ("match.tolerance_scales", [1, 1.0], "is given twice"),
        (
            "train.gradient",
            "diference",
            "train.gradient: 'diference': unknown gradient 'diference'. Did you mean 'diff",
        ),
        ("train.gradient", "difference(width=3)", "'width=3': difference takes half_window=integer"),
        ("quantization.activation_bits", 9, "9: it must be less than or equal to 8"),
    ],
)
def test_value_that_is_not_allowed(study_file, key, value, message):
    assert message in message_of(study_file({key: value}))


def test_first_sigma_above_the_largest(study_file):
    search = {"noise_weights": [0.1], "sigma_init": 0.6, "training": {"epochs": 1, "lr": 0.1}}
    assert "search: sigma_init 0.6 exceeds sigma_max 0.5" in message_of(study_file({"search": search}))


def test_all_mistakes_are_told_at_once_and_each_once(study_file):
    path = study_file({"trian": 1, "train.epochs": "many", "data.batch_size": 0, "data.validation": "half"})
    lines = message_of(path).splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{path}:") for line in lines)


def test_missing_keys_are_named_with_their_meaning(tmp_path):
    (tmp_path / "study.yaml").write_text("name: x\nmodel: {}\n")
    text = message_of(tmp_path / "study.yaml")
    assert "study.yaml:2  model.name: this key is required and missing (a name from" in text
    assert "reference_multiplier: this key is required and missing (exact 8-bit circuit" in text
    assert "  data: this key is required and missing" in text


def test_weights_or_training_are_needed(study_file):
    assert "give model.weights, or a train section" in message_of(study_file({"train": None}))
    assert load_study(study_file({"train": None, "model.weights": "w.pt"})).train is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.epochs=many", "--set train.epochs=many  train.epochs: 'many': it must be a valid integer"),
        ("train.epoch=2", "--set train.epoch=2  train.epoch: unknown key. Did you mean 'epochs'?"),
        ("train={epochs: 2}", "--set train={epochs: 2}  train.lr: this key is required"),
    ],
)
def test_mistake_in_an_override_is_told_by_its_text(study_file, override, message):
    assert message in message_of(study_file(), override)


def test_overrides_reach_the_study(study_file):
    study = load_study(study_file(), ["train.lr=1e-3", "data.options.train_limit=50", "narrow.widths=[a4w4, a5w4]"])
    assert study.train is not None
    assert study.train.lr == 1e-3
    assert study.data.options == {"train_limit": 50}
    assert study.narrow is not None
    assert study.narrow.widths == ["a4w4", "a5w4"]


@pytest.mark.parametrize(
    "width", ["", "a", "a4", "w4", "a4w", "a4w4w4", "a1w4", "a4w9", "b4w4", "a-4w4", "a4 w4", "a²w4"]
)
def test_width_of_another_form_is_refused(width):
    with pytest.raises(ValueError):
        parse_width(width)


def test_width_is_activations_then_weights():
    assert parse_width("a6w5") == (6, 5)


def test_every_key_is_described():
    for name, field in Study.model_fields.items():
        assert field.description, name


def test_a_key_in_a_list_of_sections_is_told_by_name_and_line(study_file):
    path = study_file({"match.plans": [{"method": "greedy"}, {"method": "global", "max_distinkt": 3}]})
    assert "match.plans.1.max_distinkt: unknown key. Did you mean 'max_distinct'?" in message_of(path)
    path = study_file({"match.plans": [{"method": "global", "max_distinct": 0}]})
    assert "match.plans.0.max_distinct: 0: it must be greater than or equal to 1 (global: at most" in message_of(path)


def test_constraints_of_all_layers_need_the_global_method(study_file):
    path = study_file({"match.plans": [{"max_distinct": 3}]})
    assert "match.plans.0: max_distinct needs `method: global`" in message_of(path)


def test_what_defines_a_trial_leaves_out_later_keys_at_their_defaults():
    training = TrainingSection(epochs=1, lr=0.1)
    assert "patience" not in training.definition()
    assert TrainingSection(epochs=1, lr=0.1, patience=3).definition() == training.definition() | {"patience": 3}
    search = SearchSection(noise_weights=[0.1], training=training)
    assert search.definition()["training"] == training.definition()
    assert "per_channel" not in search.definition()
