"""Which images count as right: ties, top 5, few classes, broken outputs."""

import pytest
import torch
from torch import nn

from agnsim.errors import InputError
from agnsim.training import derive_seed, evaluate, seed_everything


def run(logits: list[list[float]], labels: list[int]):  # type: ignore[no-untyped-def]
    return evaluate(nn.Identity(), [(torch.tensor(logits), torch.tensor(labels))])


def test_ties_go_to_the_smaller_class_number() -> None:
    evaluation = run([[1, 1, 0], [1, 1, 0], [0, 1, 1]], [0, 1, 2])
    assert evaluation.correct.tolist() == [True, False, False]
    assert evaluation.top1 == pytest.approx(100 / 3)


def test_top5_counts_ties_alike_and_is_absent_with_few_classes() -> None:
    evaluation = run([[0.0] * 7] * 7, list(range(7)))
    assert evaluation.correct_top5.tolist() == [True] * 5 + [False] * 2
    assert evaluation.top5 == pytest.approx(500 / 7)
    few = run([[0, 1, 2, 3]], [3])
    assert few.correct_top5 is None
    assert few.top5 is None


def test_broken_output_names_the_image() -> None:
    batches = [(torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64))] * 2
    batches[1] = (torch.tensor([[0.0, 0, 0], [0, float("nan"), 0]]), torch.tensor([0, 0]))
    with pytest.raises(InputError, match="image 5 is not a number"):
        evaluate(nn.Identity(), batches)


def test_labels_beyond_the_outputs_and_no_batches() -> None:
    with pytest.raises(InputError, match="3 outputs, but a label is 3"):
        run([[0, 0, 0]], [3])
    with pytest.raises(InputError, match=r"shape \[1, 3, 1\]"):
        evaluate(nn.Identity(), [(torch.zeros(1, 3, 1), torch.tensor([0]))])
    with pytest.raises(InputError, match="no batches"):
        evaluate(nn.Identity(), [])


def test_seeds() -> None:
    seed_everything(7)
    first = torch.rand(3)
    seed_everything(7)
    assert torch.equal(first, torch.rand(3))
    seeds = {derive_seed(0), derive_seed(1), derive_seed(0, "search"), derive_seed(0, "search", 1)}
    assert len(seeds) == 4
    assert derive_seed(0, "search") == derive_seed(0, "search")
