"""What the Keras notebooks share. Importing this module imports Keras."""

import keras

from fmnist.training import History


class EpochLine(keras.callbacks.Callback):
    """Print a line an epoch, in the form of the PyTorch twin, and keep the curves in `history`.

    `every` is after how many epochs a line is printed, None for no lines.
    """

    def __init__(self, every: int | None = 1):
        super().__init__()
        self.every = every

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start the clock."""
        self.history = History(self.params["epochs"], self.every)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keep and print what `fit` measured."""
        self.history.add(**logs)
