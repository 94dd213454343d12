"""Optimiser groups and learning-rate schedules."""

import pytest
import torch
from torch import nn

from agnsim.errors import InputError, UnknownName
from agnsim.training import Schedule, make_optimizer, make_schedule


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.log_sigma = nn.Parameter(torch.zeros(()))
        self.frozen = nn.Parameter(torch.zeros(2, 2), requires_grad=False)


def groups(optimizer: torch.optim.Optimizer) -> list[tuple[float, float, list[int]]]:
    return [(g["lr"], g["weight_decay"], sorted(p.numel() for p in g["params"])) for g in optimizer.param_groups]


def test_only_weights_decay() -> None:
    assert groups(make_optimizer(Net(), lr=0.1, weight_decay=0.01)) == [(0.1, 0.01, [18]), (0.1, 0.0, [1, 2, 2, 2])]


@pytest.mark.parametrize("by", ["predicate", "parameters"])
def test_group_with_its_own_rate(by: str) -> None:
    net = Net()
    members = (lambda name, parameter: "log_sigma" in name) if by == "predicate" else [net.log_sigma]
    optimizer = make_optimizer(net, "adam", lr=0.1, weight_decay=0.01, groups=[(members, 0.5)])
    assert groups(optimizer) == [(0.1, 0.01, [18]), (0.1, 0.0, [2, 2, 2]), (0.5, 0.0, [1])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.0}, "learning rate is 0.0"),
        ({"lr": float("nan")}, "learning rate is nan"),
        ({"lr": 0.1, "momentum": 1.0}, "momentum is 1.0"),
        ({"lr": 0.1, "weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"lr": 0.1, "groups": [(lambda n, p: False, 0.1)]}, "group 0 has no trainable parameter"),
    ],
)
def test_optimizer_mistakes(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_optimizer(Net(), **options)  # type: ignore[arg-type]


def test_optimizer_without_parameters_or_name() -> None:
    with pytest.raises(InputError, match="ReLU has no trainable parameters"):
        make_optimizer(nn.ReLU(), lr=0.1)
    with pytest.raises(UnknownName, match="Did you mean 'adam'"):
        make_optimizer(Net(), "adm", lr=0.1)  # type: ignore[arg-type]


def rates(name: str, steps: int, **options: object) -> list[float]:
    net = Net()
    optimizer = make_optimizer(net, lr=1.0, groups=[([net.log_sigma], 0.5)])
    schedule = make_schedule(name, optimizer, steps, **options)  # type: ignore[arg-type]
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        assert optimizer.param_groups[-1]["lr"] == found[-1] / 2
        schedule.step()
    return found


def test_constant() -> None:
    assert rates("constant", 3) == [1, 1, 1]


def test_step_drops_at_shares_of_the_training() -> None:
    assert rates("step", 8, milestones=[0.5, 0.75], gamma=0.5) == [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25]


def test_cosine_is_pytorchs() -> None:
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20, eta_min=0.1)
    expected = []
    for _ in range(20):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert rates("cosine", 20, final=0.1) == pytest.approx(expected)


def test_warmup_rises_linearly_from_above_zero() -> None:
    assert rates("constant", 10, warmup=0.4) == pytest.approx([0.25, 0.5, 0.75] + [1] * 7)


def test_schedule_mistakes() -> None:
    optimizer = make_optimizer(Net(), lr=1.0)
    with pytest.raises(UnknownName, match="Did you mean 'cosine'"):
        make_schedule("cosin", optimizer, 3)
    with pytest.raises(InputError, match=r"schedule 'step' takes no option 'gama'. Did you mean 'gamma'"):
        make_schedule("step", optimizer, 3, gama=0.1)
    with pytest.raises(InputError, match=r"milestones are \[30\]; each is a share"):
        make_schedule("step", optimizer, 3, milestones=[30])
    with pytest.raises(InputError, match="total_steps is 0"):
        make_schedule("constant", optimizer, 0)
    with pytest.raises(InputError, match="warmup is 1"):
        Schedule(optimizer, lambda done: 1.0, 3, warmup=1)
