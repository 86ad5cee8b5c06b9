"""Where PyTorch's defaults differ from Keras's: the same in PyTorch as Keras has it."""

import torch
from torch import nn
from torch.nn import functional as F


def draw_like_keras(model: nn.Module) -> nn.Module:
    """Draw the initial weights of dense layers and convolutions by Keras's rule, set their biases to 0, return `model`.

    Keras draws within sqrt(6 / (fan_in + fan_out)), which PyTorch calls `xavier_uniform_`.
    """
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def place_epsilon_like_keras(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Make Adam or AdamW add its epsilon before the correction of the squared gradients, and return the optimizer.

    PyTorch adds epsilon after it. Divided by the correction of each step, the same epsilon acts as Keras's does.
    """
    kept = [group["eps"] for group in optimizer.param_groups]
    steps = 0

    def before_step(optimizer: torch.optim.Optimizer, *_: object) -> None:
        nonlocal steps
        steps += 1
        for group, epsilon in zip(optimizer.param_groups, kept, strict=True):
            group["eps"] = epsilon / (1 - group["betas"][1] ** steps) ** 0.5

    optimizer.register_step_pre_hook(before_step)
    return optimizer


def rescale_velocity_like_keras(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Make SGD with momentum act as Keras's does while the learning rate changes, and return the optimizer.

    Keras's velocity holds steps, each with the rate of its time. PyTorch's holds gradients, to which it applies the
    rate of now. Rescaled by the old rate over the new one before each step, the two are the same.
    """
    rates = [group["lr"] for group in optimizer.param_groups]

    def before_step(optimizer: torch.optim.Optimizer, *_: object) -> None:
        for index, group in enumerate(optimizer.param_groups):
            for parameter in group["params"]:
                if optimizer.state[parameter].get("momentum_buffer") is not None:
                    optimizer.state[parameter]["momentum_buffer"].mul_(rates[index] / group["lr"])
            rates[index] = group["lr"]

    optimizer.register_step_pre_hook(before_step)
    return optimizer


class _BiasedVariance(nn.modules.batchnorm._BatchNorm):
    """Batch normalization whose running variance averages variances divided by n, and not by n - 1."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.training:
            axes = [axis for axis in range(inputs.dim()) if axis != 1]
            with torch.no_grad():
                variance, mean = torch.var_mean(inputs, axes, correction=0)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance, self.momentum)
            return F.batch_norm(inputs, None, None, self.weight, self.bias, training=True, eps=self.eps)
        return super().forward(inputs)


class BatchNorm1d(_BiasedVariance, nn.BatchNorm1d):
    """`nn.BatchNorm1d` with Keras's running variance."""


class BatchNorm2d(_BiasedVariance, nn.BatchNorm2d):
    """`nn.BatchNorm2d` with Keras's running variance."""
