"""One long training of chapter 06's network in each framework: epoch by epoch, with a state that can be kept.

A state is a dictionary of arrays, so that it can be written without pickle.
"""

import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tools.measure import chapter_06, common

TIMED_BATCHES = 50  # of the augmentation alone


class Training(Protocol):
    """A network that is trained with `chapter_06.Settings`, from a seed, on N x 28 x 28 images and N labels."""

    def epoch(self, order: np.ndarray) -> tuple[float, float]:
        """Train on the images in this order; return mean loss and accuracy, each image's before its step."""

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return the N x 10 logits of N x 28 x 28 images, in evaluation mode."""

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that the next step depends on but the order of the images."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go back to a state."""

    def save(self, path: Path) -> None:
        """Write the network as its chapter does."""

    def parameters(self) -> int:
        """Return the number of trainable parameters."""

    def threads(self) -> int:
        """Return the number of threads with which it computes."""

    def augmentation_seconds(self) -> float:
        """Return the seconds that the augmentation alone takes for an epoch."""


class PyTorchTraining:
    """The training in PyTorch."""

    def __init__(self, settings: chapter_06.Settings, seed: int, images: np.ndarray, labels: np.ndarray):
        import torch

        torch.manual_seed(seed)
        self.settings = settings
        self.data = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels)
        self.model = chapter_06.network("pytorch", settings).to(memory_format=torch.channels_last)
        steps = chapter_06.steps(settings, len(images))
        self.optimizer, self.schedule = chapter_06.pytorch_optimizer(self.model, settings, steps)

    def epoch(self, order: np.ndarray) -> tuple[float, float]:
        """See `Training`."""
        import torch

        batches = torch.from_numpy(order).split(self.settings["batch_size"])
        return chapter_06.pytorch_epoch(
            self.model, self.optimizer, self.schedule, None, self.settings, self.data, batches
        )

    def logits(self, images: np.ndarray) -> np.ndarray:
        """See `Training`."""
        import torch

        self.model.eval()
        with torch.inference_mode():
            batches = torch.from_numpy(images).unsqueeze(1).split(1000)
            return torch.cat([self.model(batch) for batch in batches]).numpy()

    def state(self) -> dict[str, np.ndarray]:
        """See `Training`."""
        import torch

        found = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for number, values in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{number}.{name}": value for name, value in values.items()}
        found["random"] = torch.get_rng_state()
        # A copy: the optimizer goes on writing into the tensors themselves.
        state = {name: value.numpy().copy() for name, value in found.items()}
        rate, steps = self.optimizer.param_groups[0]["lr"], self.schedule.last_epoch
        return state | {"rate": np.asarray(rate), "steps": np.asarray(steps)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """See `Training`."""
        import torch

        tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
        self.model.load_state_dict(
            {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        )
        parameters, values = list(self.model.parameters()), {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, entry = name.split(".")
                # Fused Adam goes through the memory: its averages must lie there as the parameters do.
                value = torch.empty_like(parameters[int(number)]).copy_(value) if value.ndim else value
                values.setdefault(int(number), {})[entry] = value
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": values})
        # The next rate of the schedule is a function of the step alone.
        self.schedule.last_epoch = int(state["steps"])
        for group in self.optimizer.param_groups:
            group["lr"] = float(state["rate"])
        torch.set_rng_state(tensors["random"])

    def save(self, path: Path) -> None:
        """See `Training`."""
        import torch

        torch.save(self.model.state_dict(), path)

    def parameters(self) -> int:
        """See `Training`."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def threads(self) -> int:
        """See `Training`."""
        import torch

        return torch.get_num_threads()

    def augmentation_seconds(self) -> float:
        """See `Training`."""
        import torch

        chapter, size = chapter_06.from_notebook("pytorch"), self.settings["batch_size"]
        batches = [torch.arange(size) % len(self.data[0])] * TIMED_BATCHES
        start = time.perf_counter()
        for rows in batches:
            images = self.data[0][rows]
            for name in self.settings["augmentations"]:
                images = chapter[name](images)
        return (time.perf_counter() - start) / (TIMED_BATCHES * size) * len(self.data[0])


class KerasTraining:
    """The training in Keras."""

    def __init__(self, settings: chapter_06.Settings, seed: int, images: np.ndarray, labels: np.ndarray):
        from fmnist.keras_start import clean_start

        with clean_start():
            import keras
            import tensorflow as tf

            tf.constant(0)
            tf.get_logger().setLevel("ERROR")  # it warns of tracing anew, which a new model makes necessary
        keras.utils.set_random_seed(seed)
        self.settings = settings
        self.data = images[..., None], chapter_06.keras_targets(labels)
        self.network = chapter_06.network("keras", settings)
        steps = chapter_06.steps(settings, len(images))
        self.trainer = chapter_06.keras_trainer(self.network, settings, steps)
        self.trainer.optimizer.build(self.trainer.trainable_variables)

    def epoch(self, order: np.ndarray) -> tuple[float, float]:
        """See `Training`."""
        x, y = (each[order] for each in self.data)
        fit = self.trainer.fit(x, y, batch_size=self.settings["batch_size"], shuffle=False, verbose=0)
        return fit.history["loss"][0], fit.history["accuracy"][0]

    def logits(self, images: np.ndarray) -> np.ndarray:
        """See `Training`."""
        return self.network.predict(images[..., None], batch_size=1000, verbose=0)

    def state(self) -> dict[str, np.ndarray]:
        """See `Training`."""
        return {str(number): np.array(variable) for number, variable in enumerate(self._variables())}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """See `Training`."""
        for number, variable in enumerate(self._variables()):
            variable.assign(state[str(number)])

    def _variables(self) -> list[Any]:
        # Those of the network, the random states of the augmentation, and the optimizer with its count of steps.
        return [*self.trainer.variables, *self.trainer.optimizer.variables]

    def save(self, path: Path) -> None:
        """See `Training`."""
        self.network.save(path)

    def parameters(self) -> int:
        """See `Training`."""
        return sum(int(np.prod(weight.shape)) for weight in self.network.trainable_weights)

    def threads(self) -> int:
        """See `Training`."""
        return common.keras_threads()

    def augmentation_seconds(self) -> float:
        """See `Training`."""
        import keras
        import tensorflow as tf

        augmentation = keras.Sequential(self.trainer.layers[:-1])
        augment = tf.function(lambda images: augmentation(images, training=True))
        size = self.settings["batch_size"]
        batch = tf.constant(np.resize(self.data[0], (size, 28, 28, 1)))
        augment(batch)
        start = time.perf_counter()
        for _ in range(TIMED_BATCHES):
            augment(batch).numpy()
        return (time.perf_counter() - start) / (TIMED_BATCHES * size) * len(self.data[0])


START = {"keras": KerasTraining, "pytorch": PyTorchTraining}
