"""What `make study` has recorded: its training runs as a table, their predictions, and intervals from both."""

import base64
import zlib
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from fmnist import data, records

CLASSES = len(data.CLASS_NAMES)
# Which images the predictions of a part are for.
IMAGES = dict.fromkeys(("verdict", "aligned", "matched", "twin"), "test") | {"defaults": "validation"}


def pack(predictions: np.ndarray, labels: np.ndarray) -> str:
    """Return N predicted classes (integers 0-9) as text; `labels` are the N true ones, which are mostly the same."""
    distances = (predictions.astype(int) - labels.astype(int)) % CLASSES
    return base64.b64encode(zlib.compress(distances.astype(np.uint8).tobytes(), 9)).decode("ascii")


def unpack(text: str, labels: np.ndarray) -> np.ndarray:
    """Return the N predicted classes that `pack` made a text of."""
    distances = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return (distances + labels) % CLASSES


def table(*parts: str) -> pd.DataFrame:
    """Return the runs of some parts of the plan (see tools/measure/study_plan.py), a row for each.

    Columns: "part", "framework", "network", "name", "seed", and "predictions", an array of the predicted classes of
    the 10,000 test images, or of the 6,000 validation images for the part "defaults". "correct" says which of these
    are right, and "accuracy" (%) how many. Raises `RecordError` where the record is missing.
    """
    training, (_, test_labels) = data.load()
    _, validation = data.split(training[1])
    labels = {"test": test_labels, "validation": training[1][validation]}
    rows = []
    for run in records.read("study")["runs"]:
        if run["part"] in parts:
            truth = labels[IMAGES[run["part"]]]
            predictions = unpack(run["predictions"], truth)
            about = {name: run[name] for name in ("part", "framework", "network", "name", "seed")}
            correct = predictions == truth
            rows.append(
                about | {"predictions": predictions, "correct": correct, "accuracy": 100 * float(correct.mean())}
            )
    return pd.DataFrame(rows)


class Gap(NamedTuple):
    """A difference of two mean accuracies in percentage points, with its 95% interval.

    `seed_error` and `image_error` are the standard errors that the choice of the seeds and of the images contribute.
    """

    mean: float
    low: float
    high: float
    seeds: int
    seed_error: float
    image_error: float

    @property
    def is_seen(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.low <= 0 <= self.high


def gap(first: pd.DataFrame, second: pd.DataFrame) -> Gap:
    """Return by how many points `first` is ahead of `second`: runs of a `table`, paired by their seeds.

    Other seeds and other images would both change the difference, so both count. With D the difference (-1, 0 or 1) of
    n pairs of runs on N images, the variance of its mean is (MS_seeds + MS_images - MS_rest) / (n N), from the mean
    squares of a two-way analysis of variance, and its degrees of freedom are Satterthwaite's. Seeds that only
    one of the two has are left out. Raises ValueError with fewer than two pairs.
    """
    first, second = first.set_index("seed")["correct"], second.set_index("seed")["correct"]
    seeds = first.index.intersection(second.index)
    if len(seeds) < 2:
        raise ValueError(f"An interval takes at least two seeds that both have, and these have {len(seeds)}.")
    differences = np.stack([100.0 * first[seed] - 100.0 * second[seed] for seed in seeds])
    n, images = differences.shape
    mean = differences.mean()
    by_seed, by_image = (differences.mean(axis=axis) - mean for axis in (1, 0))
    rest = differences - mean - by_seed[:, None] - by_image
    squares = np.array(
        [
            images * (by_seed**2).sum() / (n - 1),
            n * (by_image**2).sum() / (images - 1),
            (rest**2).sum() / ((n - 1) * (images - 1)),
        ]
    )
    of_seeds, of_images = squares[0], max(squares[1] - squares[2], 0.0)
    variance = (of_seeds + of_images) / (n * images)
    used = squares if of_images else squares[:1]
    freedom_of = np.array([n - 1, images - 1, (n - 1) * (images - 1)])[: len(used)]
    freedom = (of_seeds + of_images) ** 2 / (used**2 / freedom_of).sum() if variance else 1
    half = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    errors = (float(np.sqrt(each / (n * images))) for each in (of_seeds, of_images))
    return Gap(float(mean), float(mean - half), float(mean + half), n, *errors)


def disagreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return for how many of the images (%) two runs predict different classes."""
    return 100 * float(np.mean(first != second))


def seeds_needed(difference: float, deviation: float, power: float = 0.8) -> int:
    """Return how many seeds each of two groups needs to find a true difference of their means.

    `deviation` is the standard deviation between seeds, in the unit of `difference`. The test is Student's with two
    sides at 5%, and finds the difference with probability `power`: computed with the noncentral t, because with
    few seeds the normal distribution gives too few.
    """
    n = 2
    while _power(n, difference / deviation) < power:
        n += 1
    return n


def _power(n: int, effect: float) -> float:
    freedom, shift = 2 * n - 2, effect * np.sqrt(n / 2)
    limit = stats.t.ppf(0.975, freedom)
    return float(stats.nct.sf(limit, freedom, shift) + stats.nct.cdf(-limit, freedom, shift))
