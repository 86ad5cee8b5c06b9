"""Saving trained models, and finding them again: each with a record beside it that says which file it is about."""

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

from fmnist import outputs, records

TEST_IMAGES = 10_000  # on so many, all of them, the accuracy of a whole training run is measured


class ModelError(RuntimeError):
    """A model cannot be used; the message names its file, says what is wrong and what to do."""


def saving(name: str) -> AbstractContextManager[Path]:
    """Give a temporary path to save the model called `name` to, such as "01_cnn_pytorch"; see `outputs.saving`."""
    return outputs.saving("models", records.model_path(name).name)


def verified(name: str) -> Path:
    """Return the path of the model called `name`, such as "01_cnn_keras", when it is the file that its record is about.

    A note is printed where the record is that of a tryout. Raises `ModelError` where the file is missing, cannot be
    read, or has another SHA-256 than its record says, and `records.RecordError` where the record cannot be used.
    """
    path = records.model_path(name)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise ModelError(f"models/{path.name} is missing: {records.remedy(name)}.") from None
    except OSError as error:
        raise ModelError(f"models/{path.name} cannot be read ({error.strerror}): {records.remedy(name)}.") from None
    record = records.read(name)
    if record["model_sha256"] != found:
        raise ModelError(
            f"models/{path.name} is not the file that models/{name}.json describes (it is damaged, or from another "
            f"training run): {records.remedy(name)}."
        )
    if record["test_images"] != TEST_IMAGES:
        print(
            f"Note: models/{path.name} was trained in a tryout: its accuracy was measured on "
            f"{record['test_images']} images, not on {TEST_IMAGES:,}. "
            f"For a fully trained one, {records.remedy(name)}."
        )
    return path
