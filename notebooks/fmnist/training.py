"""The learning curves of a training run, printed a line an epoch, the same in both frameworks."""

import time


class History:
    """Keeps the four learning curves and the duration of every epoch, and prints a line for each.

    `curves` maps "loss", "accuracy", "val_loss" and "val_accuracy" to one float an epoch; `seconds` is one float an
    epoch, validation included. The clock starts when the object is made. `every` is after how many epochs a line is
    printed, None for no lines.
    """

    def __init__(self, epochs: int, every: int | None = 1):
        self.epochs, self.every = epochs, every
        self.curves: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
        self.seconds: list[float] = []
        self._started = time.perf_counter()

    def add(self, **values: float) -> None:
        """Keep the four values of the epoch that has just ended, and print them.

        `values` has the keys of `curves`; a missing one raises KeyError.
        """
        now = time.perf_counter()
        self.seconds.append(now - self._started)
        self._started = now
        for name, curve in self.curves.items():
            curve.append(float(values[name]))
        if not self.every or len(self.seconds) % self.every:
            return
        print(
            f"epoch {len(self.seconds):2d}/{self.epochs}"
            f"   loss {values['loss']:.4f}   accuracy {values['accuracy']:.4f}"
            f"   val_loss {values['val_loss']:.4f}   val_accuracy {values['val_accuracy']:.4f}"
            f"   {self.seconds[-1]:.1f} s"
        )
