"""The runs of the experiments: each function trains one network, or searches for one, and returns what is recorded.

Networks and the space of the search are taken from chapter 05. `parts` are those of `study_runs.prepared`.
"""

import functools
import itertools
import json
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from fmnist import taught
from tools.measure import chapter_01, common
from tools.measure.experiments_plan import (
    MOST_MULTIPLICATIONS,
    SEARCH_BUDGET,
    SHORT,
    TRAINING,
    Run,
)
from tools.measure.study_runs import Parts, orders, pytorch_logits, scores

if TYPE_CHECKING:
    import torch

PERMUTATION_SEED = 0  # of the one permutation by which pixels are shuffled
TURNS = 5  # of the timed networks
STEPS = 40  # of a network in each turn
CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


def notebook(framework: str) -> str:
    """Return the name of the notebook from which the networks are taken."""
    return f"{framework}/05_architecture_experiments"


@functools.cache
def _taught(framework: str, tag: str) -> Any:
    """Return what chapter 05 calls `tag`, from the cell with this tag."""
    if framework == "keras":
        import keras

        modules = {"keras": keras}
    else:
        import torch
        from torch import nn

        modules = {"torch": torch, "nn": nn}
    return taught.run_tagged_cells(notebook(framework), tag, **modules)[tag]


def data_for(parts: Parts, training: dict[str, Any]) -> Parts:
    """Return the images as a run trains on them: float32 N x 28 x 28, and labels int64 N, of all three parts."""
    found = {}
    pixels = np.random.default_rng(PERMUTATION_SEED).permutation(784)
    for name, (images, labels) in parts.items():
        if name == "train" and training["images"]:
            images, labels = images[: training["images"]], labels[: training["images"]]
        if training["pixels"] == "shuffled":
            images = images.reshape(-1, 784)[:, pixels].reshape(-1, 28, 28)
        found[name] = images * np.float32(training["white"]), labels
    return found


class Curves:
    """The four learning curves of a run, the seconds of its training epochs, and when it stops.

    With a patience, `add` says so when so many epochs have brought no lower validation loss.
    """

    def __init__(self, patience: int | None):
        self.patience, self.best_epoch = patience, 0
        self.values: dict[str, list[float]] = {name: [] for name in CURVES}
        self.seconds: list[float] = []

    def add(self, seconds: float, values: tuple[float, ...]) -> bool:
        """Keep the values of an epoch and return whether it is the best so far."""
        self.seconds.append(seconds)
        for curve, value in zip(self.values.values(), values, strict=True):
            curve.append(round(value, 6))
        losses = self.values["val_loss"]
        if losses[-1] < losses[self.best_epoch]:
            self.best_epoch = len(losses) - 1
        return self.best_epoch == len(losses) - 1

    def ended(self) -> bool:
        """Return whether the patience is at its end."""
        return self.patience is not None and len(self.seconds) - 1 - self.best_epoch >= self.patience

    def record(self, parameters: int, multiplications: int | None, tested: dict | None) -> dict[str, Any]:
        """Return what is recorded of the run; without a patience the last epoch is the result."""
        found = {"parameters": parameters, "curves": self.values}
        found["seconds_per_epoch"] = round(float(np.median(self.seconds)), 2)
        if multiplications is not None:
            found["multiplications"] = multiplications
        if self.patience is not None:
            found["best_epoch"] = self.best_epoch + 1
        return found | ({"test": tested} if tested else {})


def multiplications(model: "torch.nn.Module") -> int:
    """Return the multiplications of layers with weights for one image, as PyTorch's counter has them.

    The counter takes a multiplication and an addition for two operations. Biases, batch norm and pooling do not count.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 1, 28, 28))
    return counter.get_total_flops() // 2


def pool_first(model: "torch.nn.Sequential") -> "torch.nn.Sequential":
    """Return the layers of a model with maximum pooling before ReLU where it stands behind it.

    ReLU never reverses the order of two values, so both compute the same. On one thread of a processor with AVX2, a
    step with 32 and 64 filters took 54 in place of 71 ms.
    """
    from torch import nn

    layers = list(model)
    for place, (first, second) in enumerate(itertools.pairwise(model)):
        if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
            layers[place : place + 2] = second, first
    return nn.Sequential(*layers)


def _optimizer(model: "torch.nn.Module", training: dict[str, Any]) -> "torch.optim.Optimizer":
    import torch

    rate, name = training["learning_rate"], training["optimizer"]
    if name == "momentum":
        return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    fused = {} if name == "RAdam" else {"fused": True}
    return getattr(torch.optim, name)(model.parameters(), lr=rate, **fused)


def train_pytorch(run: Run, parts: Parts, trial: Any = None) -> dict[str, Any]:
    """Train the network of a run in PyTorch; a `trial` of Optuna is told of each epoch, and may end the training."""
    import torch

    training = TRAINING | run["training"]
    parts = data_for(parts, training)
    tensors = {name: (torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)) for name, (x, y) in parts.items()}
    x, y = tensors["train"]
    epochs, size = training["epochs"], training["batch_size"]
    torch.manual_seed(run["seed"])
    model = pool_first(_taught("pytorch", run["build"])(**run["options"])).to(memory_format=torch.channels_last)
    optimizer = _optimizer(model, training)
    if training["falling"]:
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * math.ceil(len(x) / size))
    else:
        schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    curves, best = Curves(training["patience"]), None
    for order in orders(run["seed"], len(x), epochs):
        start = time.perf_counter()
        batches = torch.from_numpy(order).split(size)
        loss, accuracy = chapter_01.pytorch_epoch(model, optimizer, schedule, x, y, batches)
        seconds = time.perf_counter() - start
        found = scores(pytorch_logits(model, tensors["validation"][0]), parts["validation"][1])
        if curves.add(seconds, (loss, accuracy, found["loss"], found["accuracy"])) and curves.patience:
            best = {name: value.clone() for name, value in model.state_dict().items()}
        if trial is not None:
            trial.report(found["accuracy"], step=len(curves.seconds))
            if len(curves.seconds) < epochs and trial.should_prune():
                break
        if curves.ended():
            model.load_state_dict(best)
            break
    tested = scores(pytorch_logits(model, tensors["test"][0]), parts["test"][1]) if training["tested"] else None
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return curves.record(parameters, multiplications(model), tested)


def train_keras(run: Run, parts: Parts) -> dict[str, Any]:
    """Train the network of a run in Keras; only Adam is used there, and no patience."""
    import keras

    training = TRAINING | run["training"]
    parts = {name: (x[..., None], y) for name, (x, y) in data_for(parts, training).items()}
    x, y = parts["train"]
    epochs, size = training["epochs"], training["batch_size"]
    keras.utils.set_random_seed(run["seed"])
    model = _taught("keras", run["build"])(**run["options"])
    rate = training["learning_rate"]
    if training["falling"]:
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=epochs * math.ceil(len(x) / size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"], steps_per_execution=200)
    curves = Curves(None)
    for order in orders(run["seed"], len(x), epochs):
        start = time.perf_counter()
        history = model.fit(x[order], y[order], batch_size=size, shuffle=False, verbose=0).history
        seconds = time.perf_counter() - start
        logits = model.predict(parts["validation"][0], batch_size=1000, verbose=0)
        found = scores(logits, parts["validation"][1])
        curves.add(seconds, (history["loss"][0], history["accuracy"][0], found["loss"], found["accuracy"]))
    return curves.record(model.count_params(), None, None)


def search(run: Run, parts: Parts) -> dict[str, Any]:
    """Search for a network in PyTorch, with the method and the seed of a run, until the budget of epochs is used up.

    "random" draws each trial at random and trains it whole, "TPE" learns from earlier trials and ends a training that
    is below the median of the earlier ones. A trial above the limit of multiplications is "too large", and not trained.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Other seeds for each method: TPE draws its first ten trials as the random search does.
    if run["name"] == "random":
        sampler, pruner = optuna.samplers.RandomSampler(seed=run["seed"]), optuna.pruners.NopPruner()
    else:
        sampler = optuna.samplers.TPESampler(seed=100 + run["seed"])
        pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    trials, used = [], 0
    while used < SEARCH_BUDGET:
        trial = study.ask()
        options, rate = _taught("pytorch", "search_space")(trial)
        model = _taught("pytorch", "build_cnn")(**options)
        about = {"params": trial.params, "options": options, "learning_rate": rate}
        about["multiplications"] = multiplications(model)
        if about["multiplications"] > MOST_MULTIPLICATIONS:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            trials.append(about | {"state": "too large", "values": []})
            continue
        training = SHORT | {"learning_rate": rate}
        seed = 1000 * run["seed"] + trial.number
        trained = {"build": "build_cnn", "options": options, "training": training, "seed": seed}
        found = train_pytorch(trained, parts, trial)
        values = found["curves"]["val_accuracy"]
        used += len(values)
        if len(values) == SHORT["epochs"]:
            study.tell(trial, values[-1])
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        state = "complete" if len(values) == SHORT["epochs"] else "pruned"
        about |= {"parameters": found["parameters"], "seconds_per_epoch": found["seconds_per_epoch"]}
        trials.append(about | {"state": state, "values": values})
    return {"trials": trials}


def timing(run: Run, parts: Parts) -> dict[str, Any]:
    """Time an epoch of each network in PyTorch, with a thread for each processor core.

    The networks take turns, a number of steps each, because the speed of a computer changes with time. The seconds of
    an epoch are those of its steps, with the median over the turns.
    """
    import torch

    torch.set_num_threads(common.usable_cpus())
    images, labels = parts["train"]
    x, y = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels)
    turns, networks = [], []
    for build, options, size in run["networks"]:
        model = _taught("pytorch", build)(**json.loads(options)).to(memory_format=torch.channels_last)
        networks.append((model, _optimizer(model, TRAINING), size))
    for turn in range(TURNS + 1):
        turns.append([])
        for model, optimizer, size in networks:
            schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
            rows = np.random.default_rng(turn).permutation(len(x))[: STEPS * size]
            start = time.perf_counter()
            chapter_01.pytorch_epoch(model, optimizer, schedule, x, y, torch.from_numpy(rows).split(size))
            turns[-1].append((time.perf_counter() - start) / len(rows) * len(x))
    # The first turn brings the memory of each network.
    seconds = np.median(turns[1:], axis=0)
    return {"epoch_seconds": [round(float(value), 3) for value in seconds], "threads": torch.get_num_threads()}
