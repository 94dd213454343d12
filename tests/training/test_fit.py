"""The training loop: it learns, it repeats itself, it resumes bit for bit, and it stops where it must."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from agnsim.data import Batches, load_dataset, split
from agnsim.errors import CheckpointError, InputError, TrainingError
from agnsim.models import build_model
from agnsim.training import (
    distillation,
    evaluate,
    fit,
    make_optimizer,
    make_schedule,
    predict,
    reestimate_batch_norm,
    seed_everything,
)

EPOCHS = 4


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def splits() -> Any:
    return split(load_dataset("digits", train_limit=400, test_limit=100), validation=50)


def network() -> nn.Module:
    """A network with batch norm, whose statistics must be kept, and dropout, whose random state must be."""
    seed_everything(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(72, 10)
    )


def train(splits: Any, model: nn.Module, optimizer_name: str = "sgd", **options: Any) -> list[dict[str, Any]]:
    batches = Batches(splits.train, 50, shuffle=True, augment="crop_flip", seed=1, drop_last=True)
    optimizer = make_optimizer(model, optimizer_name, lr=0.05 if optimizer_name == "sgd" else 0.01, weight_decay=1e-4)  # type: ignore[arg-type]
    schedule = make_schedule("step", optimizer, EPOCHS * len(batches), milestones=[0.3, 0.6])
    return fit(model, batches, epochs=EPOCHS, optimizer=optimizer, schedule=schedule, **options)


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def without_time(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def test_learns_the_digits(splits: Any) -> None:
    model = build_model("resnet8", in_channels=1, width=8)
    batches = Batches(splits.train, 25, shuffle=True)
    optimizer = make_optimizer(model, lr=0.1)
    schedule = make_schedule("cosine", optimizer, 4 * len(batches))
    history = fit(model, batches, epochs=4, optimizer=optimizer, schedule=schedule)
    assert not model.training
    assert history[-1]["accuracy"] > 90
    assert evaluate(model, Batches(splits.report, 50)).top1 > 80


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("after", [1, 3])
def test_resumed_training_is_bit_identical(splits: Any, tmp_path: Path, optimizer: str, after: int) -> None:
    whole, resumed, file = network(), network(), tmp_path / "state" / "training.safetensors"
    expected = train(splits, whole, optimizer)

    def interrupt(steps: int, _: dict[str, float]) -> None:
        if steps == after * 7 + 3:
            raise Interrupted

    seed_everything(0)
    resumed = network()
    with pytest.raises(Interrupted):
        train(splits, resumed, optimizer, resume=file, on_step=interrupt)
    torch.manual_seed(123)
    other = build_fresh()
    epochs_seen: list[int] = []
    history = train(splits, other, optimizer, resume=file, on_epoch=lambda epoch, row: epochs_seen.append(epoch))
    assert same(whole, other)
    assert without_time(history) == without_time(expected)
    assert epochs_seen == list(range(after + 1, EPOCHS + 1))
    finished = build_fresh()
    assert without_time(train(splits, finished, optimizer, resume=file)) == without_time(expected)
    assert same(whole, finished)
    assert [f.name for f in file.parent.iterdir()] == [file.name]


def build_fresh() -> nn.Module:
    """The same network with other initial weights: everything must come from the file."""
    model = network()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    return model


def test_resume_refuses_another_training_and_a_damaged_file(splits: Any, tmp_path: Path) -> None:
    file = tmp_path / "training.safetensors"
    train(splits, network(), resume=file, max_steps=3)
    with pytest.raises(CheckpointError, match=r"'max_steps': 3.*this one has"):
        train(splits, network(), resume=file)
    with pytest.raises(CheckpointError, match="belongs to another training"):
        train(splits, build_model("lenet5", in_channels=1), resume=file, max_steps=3)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        train(splits, network(), resume=file, max_steps=3)


def test_non_finite_loss_names_epoch_and_step(splits: Any) -> None:
    calls = 0

    def loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Any:
        nonlocal calls
        calls += 1
        return model(x).sum() * (float("nan") if calls == 10 else 0.0), {}

    with pytest.raises(TrainingError, match="loss is nan in epoch 2, step 3"):
        train(splits, network(), loss=loss)


def test_callbacks_logs_and_step_limit(splits: Any) -> None:
    def loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Any:
        value = nn.functional.cross_entropy(model(x), y)
        return value + 1, {"task_loss": value.detach()}

    steps: list[int] = []
    history = train(
        splits,
        network(),
        loss=loss,
        max_steps=9,
        on_step=lambda step, values: steps.append(step),
        on_epoch=lambda epoch, row: row.update(sigma={"conv1": epoch}),
    )
    assert steps == list(range(1, 10))
    assert [row["steps"] for row in history] == [7, 9]
    assert [row["sigma"] for row in history] == [{"conv1": 1}, {"conv1": 2}]
    assert history[0]["lr"] == 0.05
    assert all(abs(row["loss"] - row["task_loss"] - 1) < 1e-5 for row in history)


def test_mistakes(splits: Any) -> None:
    model = network()
    with pytest.raises(InputError, match="at least 1"):
        fit(model, [], epochs=0, optimizer=make_optimizer(model, lr=0.1))
    with pytest.raises(TrainingError, match="batches are empty"):
        fit(model, [], epochs=1, optimizer=make_optimizer(model, lr=0.1))
    few = build_model("lenet5", in_channels=1, num_classes=4)
    with pytest.raises(InputError, match="4 outputs, but a label is 9"):
        train(splits, few)


def test_distillation_of_itself_has_no_imitation_loss(splits: Any) -> None:
    model = network().eval()
    x, y = next(iter(Batches(splits.train, 50)))
    total, logs = distillation(model, weight=1.0)(model, x, y)
    assert abs(total.item()) < 1e-5
    assert float(logs["task_loss"]) > 0.1
    half, _ = distillation(model, weight=0.5)(model, x, y)
    torch.testing.assert_close(half.detach(), logs["task_loss"] / 2, atol=1e-5, rtol=0)
    with pytest.raises(InputError, match="weight is 2; allowed: 0 to 1"):
        distillation(model, weight=2)


def test_batch_norm_is_estimated_as_a_plain_average_and_nothing_else_changes(splits: Any) -> None:
    model = network()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    batches = Batches(splits.calibration, 50)
    assert reestimate_batch_norm(model, batches, max_batches=3) == 3
    norm = model[1]
    with torch.no_grad():
        inputs = [model[0](x) for x, _ in batches][:3]
    torch.testing.assert_close(norm.running_mean, torch.stack([i.mean((0, 2, 3)) for i in inputs]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([i.var((0, 2, 3)) for i in inputs]).mean(0))
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    assert norm.momentum == 0.1
    assert all(m.training for m in model.modules())
    assert reestimate_batch_norm(nn.Linear(2, 2), []) == 0
    with pytest.raises(InputError, match="no batches"):
        reestimate_batch_norm(model, [])


def test_predict_restores_the_modes_and_agrees_with_evaluate(splits: Any) -> None:
    model = network().train()
    model[4].eval()
    logits = predict(model, Batches(splits.report, 30))
    assert logits.shape == (100, 10)
    assert [m.training for m in model.children()] == [True, True, True, True, False, True]
    evaluation = evaluate(model, Batches(splits.report, 30))
    assert torch.equal(logits.argmax(1) == splits.report.labels, torch.from_numpy(evaluation.correct))
