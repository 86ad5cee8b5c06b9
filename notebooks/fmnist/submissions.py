"""A submission file, as competitions ask for it: a CSV file with the columns `id` and `label`, a row for each image."""

import csv
from collections.abc import Iterable
from pathlib import Path

from fmnist import outputs
from fmnist.data import CLASS_NAMES

HEAD = ["id", "label"]


class SubmissionError(ValueError):
    """A submission file that would be refused; the message says in which line and why."""


def write(name: str, labels: Iterable[int]) -> Path:
    """Write predicted labels (N integers 0-9) as submissions/`name`.csv, or into tryout/, and return the path.

    The identifiers count the images from 0, in the order of the test set.
    """
    with outputs.saving("submissions", f"{name}.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        writer.writerows(enumerate(int(label) for label in labels))
    return outputs.find("submissions", f"{name}.csv")


def check(path: Path, rows: int) -> list[int]:
    """Return the labels of a submission file of so many rows, or raise `SubmissionError`.

    Identifiers must be 0, 1, 2 and so on, and labels integers from 0 to 9.
    """
    with path.open(newline="") as file:
        head, *lines = csv.reader(file)
    if head != HEAD:
        raise SubmissionError(f"The first line must be {','.join(HEAD)}, and it is {','.join(head)}.")
    labels = []
    for number, line in enumerate(lines):
        if len(line) != 2 or line[0] != str(number):
            raise SubmissionError(f"Line {number + 2} must begin with {number}, and it is {','.join(line)}.")
        if line[1] not in map(str, range(len(CLASS_NAMES))):
            raise SubmissionError(f"Line {number + 2} has the label {line[1]!r}, and 0 to 9 are allowed.")
        labels.append(int(line[1]))
    if len(labels) != rows:
        raise SubmissionError(f"There must be {rows:,} rows after the first line, and there are {len(labels):,}.")
    return labels
