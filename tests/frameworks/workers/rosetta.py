"""Runs one column of the comparison's table "the same step in both" from top to bottom, for test_rosetta.py.

The snippets are those of the notebook; only the data is cut down to some thousand images.
"""

import contextlib
import io
import os
from html.parser import HTMLParser
from unittest import mock

import numpy as np

from fmnist import data
from tests.helpers import markdown, read


class Table(HTMLParser):
    """Collects the text of every cell of every row of a table."""

    def __init__(self):
        super().__init__()
        self.rows, self.inside = [], False

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def snippets(framework: str) -> dict[str, str]:
    """Return {name of the step: code} of one column."""
    (source,) = [text for text in markdown(read("keras_vs_pytorch")) if text.startswith("<table>")]
    table = Table()
    table.feed(source)
    frameworks, *rows = table.rows
    column = [name.lower() for name in frameworks].index(framework)
    # The name of a step has a row to itself, its code in both frameworks the next.
    return {name: both[column] for (name,), both in zip(rows[::2], rows[1::2], strict=True)}


def answer(framework: str, question: dict) -> dict:
    """Return what came of the steps, which leave their files in the question's "folder"."""
    os.chdir(question["folder"])
    few = _few_images(data.load())
    here, found = {}, {}
    said = io.StringIO()
    with mock.patch.object(data, "load", lambda: few), contextlib.redirect_stdout(said):
        for step, code in snippets(framework).items():
            exec(compile(code, step, "exec"), here)
            if step == "one training step":
                found["first loss"] = float(_array(here["loss"]))
            elif step == "evaluate":
                found |= {"accuracy": float(here["accuracy"]), "loss": float(here["loss"])}
            elif step == "predict":
                probabilities = _array(here["probabilities"])
                sums = probabilities.sum(axis=1)
                found |= {"probabilities": list(probabilities.shape), "sums": [float(sums.min()), float(sums.max())]}
            elif step == "load":
                x = here["x_test"][:100]
                # Both in evaluation mode: with dropout on they would differ.
                if framework == "pytorch":
                    here["model"].eval()
                found["reloaded"] = bool(np.array_equal(_array(here["model"](x)), _array(here["loaded"](x))))
    batch, original = _array(here["batch"]), _array(here["x"][here["train"][:128]])
    across = 3 if framework == "pytorch" else 2
    axes = tuple(range(1, 4))
    found["flipped"] = int((np.flip(original, across) == batch).all(axis=axes).sum())
    found["kept"] = int((original == batch).all(axis=axes).sum())
    return found | {"printed": said.getvalue()}


def _few_images(loaded, train=3000, test=1000):
    """The first images only of what `data.load` returned."""
    (x, y), (x_test, y_test) = loaded
    return (x[:train], y[:train]), (x_test[:test], y_test[:test])


def _array(value):
    """Return a tensor of either framework as an array."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
