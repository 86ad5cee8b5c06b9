"""The registry of the chapters: what is true of each of them, read from notebooks/chapters.toml."""

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fmnist.paths import NOTEBOOKS

FRAMEWORKS = ("keras", "pytorch")
MODEL_SUFFIX = {"keras": ".keras", "pytorch": ".pth"}


@dataclass(frozen=True)
class Model:
    """A network that a chapter trains, saves and records in each framework.

    `builder` maps a framework to the name that a cell tagged "model" gives to the function or class that builds the
    network. `test_accuracy_at_least` (0 to 1) is what the committed models must reach.
    """

    chapter: str
    name: str
    builder: dict[str, str]
    parameters: int
    epochs: int
    test_accuracy_at_least: float

    def file_stem(self, framework: str) -> str:
        """Return the name of the model's file without its suffix, such as "01_cnn_keras"."""
        return f"{self.chapter[:2]}_{self.name}_{framework}"

    def notebook(self, framework: str) -> str:
        """Return the notebook that trains it, as `Chapter.notebooks` has it."""
        return f"{framework}/{self.chapter}"


@dataclass(frozen=True)
class Chapter:
    """A pair of twin notebooks, or one notebook for both frameworks.

    `figures` are the names of the saved figures without chapter and framework. `reads` are the inputs of a run besides
    the dataset, as tools/stamp.py names them, with {framework} and {suffix} for those of each twin. `fast` maps
    settings to the values with which the tests run the notebooks, `twice` lists the frameworks whose notebook they run
    a second time. `own_numbers` maps a framework to the numbers that only its twin's code needs.
    """

    name: str
    title: str
    story: str
    figures: tuple[str, ...]
    fast: dict[str, Any]
    reads: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()
    both_frameworks: bool = False
    exercises: bool = True
    own_numbers: dict[str, list[float]] = field(default_factory=dict)

    @property
    def notebooks(self) -> dict[str, str]:
        """Map each framework to its notebook, as a path below notebooks/ without the suffix; "both" to one for both."""
        if self.both_frameworks:
            return {"both": self.name}
        return {framework: f"{framework}/{self.name}" for framework in FRAMEWORKS}

    def figure_files(self) -> list[str]:
        """Return the names of the figures' files without .png, in both frameworks."""
        if self.both_frameworks:
            return list(self.figures)
        return [f"{self.name[:2]}_{figure}_{framework}" for figure in self.figures for framework in FRAMEWORKS]

    def inputs(self, framework: str) -> list[str]:
        """Return `reads` for the notebook of one framework."""
        return [each.format(framework=framework, suffix=MODEL_SUFFIX.get(framework, "")) for each in self.reads]


@functools.cache
def _registry() -> dict[str, Any]:
    return tomllib.loads((NOTEBOOKS / "chapters.toml").read_text(encoding="utf-8"))


@functools.cache
def all_chapters() -> tuple[Chapter, ...]:
    """Return every chapter, in reading order."""
    chapters = []
    for entry in _registry()["chapters"]:
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
        values["models"] = tuple(Model(chapter=entry["name"], **model) for model in entry.get("models", ()))
        chapters.append(Chapter(**values))
    return tuple(chapters)


def all_models() -> Iterator[tuple[Model, str]]:
    """Yield each model with each framework, in reading order."""
    for chapter in all_chapters():
        for model in chapter.models:
            for framework in FRAMEWORKS:
                yield model, framework


def notebooks() -> list[str]:
    """Return the names of the chapters' notebooks, in reading order."""
    return [name for chapter in all_chapters() for name in chapter.notebooks.values()]


def of_notebook(name: str) -> tuple[Chapter, str]:
    """Return the chapter and the framework ("both" for the comparison) of a notebook; raise LookupError if unknown."""
    for chapter in all_chapters():
        for framework, notebook in chapter.notebooks.items():
            if notebook == name:
                return chapter, framework
    raise LookupError(f"notebooks/chapters.toml has no chapter with a notebook called {name}.")


def looks() -> dict[str, dict[str, str]]:
    """Map the name of each kind of model to its "label" in tables, and its "line" style and "colour" in figures."""
    return _registry()["looks"]


def commands() -> dict[str, str]:
    """Map the models that a command trains, and no notebook, to the target of make that does it."""
    return _registry().get("commands", {})


def trained_by_notebook(chapter: Chapter) -> list[Model]:
    """Return the models of a chapter that its notebooks train; the others are made by a command."""
    return [model for model in chapter.models if model.name not in commands()]
