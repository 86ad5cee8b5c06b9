"""The runs of the study in PyTorch with everything as in Keras: initial weights, biases, and Adam's epsilon."""

from typing import TYPE_CHECKING, Any

from tools.measure import study_runs
from tools.measure.study_plan import KERAS, Run
from tools.measure.study_runs import Parts

if TYPE_CHECKING:
    import torch


def train_pytorch(run: Run, parts: Parts) -> dict[str, Any]:
    """Train a network of chapter 01 with Keras's initial weights, as for the part "aligned", and Keras's epsilon."""
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    epsilon = register_optimizer_step_pre_hook(epsilon_of_keras)
    try:
        return study_runs.train_pytorch(run | {"part": "aligned"}, parts)
    finally:
        epsilon.remove()


def epsilon_of_keras(optimizer: "torch.optim.Optimizer", *_: object) -> None:
    """Give Adam, for the step to come, an epsilon that acts after the correction as Keras's does before it."""
    for group in optimizer.param_groups:
        past = optimizer.state[group["params"][0]].get("step", 0)
        group["eps"] = KERAS["epsilon"] / (1 - group["betas"][1] ** (int(past) + 1)) ** 0.5
