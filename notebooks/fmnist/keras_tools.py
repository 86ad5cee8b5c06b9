"""What the Keras notebooks share. Importing this module imports Keras."""

import keras

from fmnist.training import History


class EpochLine(keras.callbacks.Callback):
    """Print one line an epoch, in the form of the PyTorch twin, and keep the curves in `history`."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Start the clock."""
        self.history = History(self.params["epochs"])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Note and print what `fit` measured."""
        self.history.add(**logs)
