"""Run one column of the comparison's table "the same step in both", from top to bottom, and print what came of it.

    python tests/rosetta.py keras|pytorch

Run by test_rosetta.py in a process of its own, since one process should hold one framework. The snippets are those of
the notebook; only the data is cut down to some thousand images. Files are written to the current directory.
"""

import json
import os
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))


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


def snippets(framework):
    """Return {name of the step: code} of one column."""
    notebook = nbformat.read(ROOT / "notebooks" / "keras_vs_pytorch.ipynb", as_version=4)
    (source,) = [c.source for c in notebook.cells if c.cell_type == "markdown" and c.source.startswith("<table>")]
    table = Table()
    table.feed(source)
    frameworks, *rows = table.rows
    column = [name.lower() for name in frameworks].index(framework)
    # The name of a step has a row to itself, its code in both frameworks the next.
    return {name: both[column] for (name,), both in zip(rows[::2], rows[1::2], strict=True)}


def few_images(load, train=3000, test=1000):
    """Return a `data.load` that gives only the first images."""
    (x, y), (x_test, y_test) = load()
    return lambda: ((x[:train], y[:train]), (x_test[:test], y_test[:test]))


def array(value):
    """Return a tensor of either framework as an array."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def main(framework):
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from fashion import data

    data.load = few_images(data.load)
    here, found = {}, {}
    for step, code in snippets(framework).items():
        exec(compile(code, step, "exec"), here)
        if step == "one training step":
            found["first loss"] = float(array(here["loss"]))
        elif step == "evaluate":
            found |= {"accuracy": here["accuracy"], "loss": here["loss"]}
        elif step == "predict":
            probabilities = array(here["probabilities"])
            sums = probabilities.sum(axis=1)
            found |= {"probabilities": list(probabilities.shape), "sums": [float(sums.min()), float(sums.max())]}
        elif step == "load":
            x = here["x_test"][:100]
            # Both in evaluation mode: with dropout on they would differ.
            if framework == "pytorch":
                here["model"].eval()
            found["reloaded"] = bool(np.array_equal(array(here["model"](x)), array(here["loaded"](x))))
    batch, original = array(here["batch"]), array(here["x"][here["train"][:128]])
    across = 3 if framework == "pytorch" else 2
    axes = tuple(range(1, 4))
    found["flipped"] = int((np.flip(original, across) == batch).all(axis=axes).sum())
    found["kept"] = int((original == batch).all(axis=axes).sum())
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
