"""The figures of the architecture experiments: accuracies of several seeds, what they cost, and searches.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmnist.plots import INK, NEUTRAL, describe

# Okabe and Ito's palette without yellow, which is too pale on white.
HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def seeds(
    groups: Mapping[str, Sequence[float]],
    title: str,
    published: Mapping[str, float] | None = None,
    images: str = "validation",
) -> Figure:
    """Draw the accuracies (0 to 1) of several training runs for each name: a dot a run, and a bar at their mean.

    `published` maps some of the names to a published accuracy, drawn as a cross; `images` says on which the accuracies
    were measured.
    """
    figure, axis = plt.subplots(figsize=(8, 0.34 * len(groups) + 1.4))
    told = []
    for row, (name, values) in enumerate(groups.items()):
        mean = _seeds(axis, row, values)
        told.append(f"{name}: {mean:.1f}%")
        if published and name in published:
            axis.plot(100 * published[name], row, "x", color=HUES[1], markersize=8, markeredgewidth=2,
                      label=None if row else "published")  # fmt: skip
            told[-1] += f" (published {published[name]:.1%})"
    _rows(axis, list(groups))
    axis.set(xlabel=f"{images} accuracy (%)", title=title)
    figure.tight_layout()
    describe(figure, f"{title}. Mean {images} accuracies: {'; '.join(told)}.")
    return figure


def _seeds(axis: Axes, row: int, values: Sequence[float]) -> float:
    """Draw the accuracies (0 to 1) of single runs and their mean in a row, and return the mean in percent."""
    percent = 100 * np.asarray(values, float)
    names = (None, None) if row else ("one seed", "their mean")
    axis.plot(percent, [row] * len(percent), "o", color=HUES[0], markersize=5, alpha=0.6, label=names[0])
    axis.plot([percent.mean()] * 2, [row - 0.28, row + 0.28], color=INK, linewidth=2, label=names[1])
    return percent.mean()


def _rows(axis: Axes, names: Sequence[str]) -> None:
    """Write the names of the rows, the first on top, and the legend on the right."""
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)
    axis.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))


def effects(found: Mapping[str, tuple[float, float]], title: str) -> Figure:
    """Draw what each choice brings, a row a choice: a gain in percentage points, and half of its interval."""
    figure, axis = plt.subplots(figsize=(8, 0.3 * len(found) + 1.2))
    gains, halves = np.array(list(found.values())).T
    axis.axvline(0, color=NEUTRAL, linewidth=1)
    axis.errorbar(gains, range(len(found)), xerr=halves, color=HUES[0], fmt="o", markersize=6, capsize=3)
    axis.set_yticks(range(len(found)), list(found))
    axis.set(ylim=(len(found) - 0.5, -0.5), xlabel="gain in accuracy (percentage points)", title=title)
    figure.tight_layout()
    told = "; ".join(f"{name} {gain:+.1f} ± {half:.1f}" for name, (gain, half) in found.items())
    describe(figure, f"{title}, in percentage points: {told}.")
    return figure


def widths(summaries: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw accuracy (%) against parameters, a line for each label; bars are ± one standard deviation between seeds.

    `summaries` maps labels to tables with "parameters", "accuracy" and "spread", the accuracies in percent.
    """
    figure, axis = plt.subplots(figsize=(7.5, 4))
    told = []
    for k, (label, found) in enumerate(summaries.items()):
        axis.errorbar(
            found["parameters"], found["accuracy"], found["spread"].fillna(0), color=HUES[k], linestyle=LINES[k],
            marker="o", markersize=5, capsize=3, label=label,
        )  # fmt: skip
        first, last = found["accuracy"].iloc[[0, -1]]
        told.append(f"{label} from {first:.1f}% to {last:.1f}%")
    axis.set(xscale="log", xlabel="parameters", ylabel="validation accuracy (%)", title=title)
    axis.legend(frameon=False)
    figure.tight_layout()
    describe(figure, f"{title}, against the number of parameters: {'; '.join(told)}.")
    return figure


def epochs(runs: pd.DataFrame, separate: Mapping[int, Sequence[float]], title: str) -> Figure:
    """Draw accuracy over the epochs: `runs` at a constant rate, and networks trained anew for each number of epochs.

    `runs` has a row a seed with "curves"; `separate` maps a number of epochs to final validation accuracies (0 to 1)
    of training runs whose learning rate fell to 0 in so many epochs.
    """
    figure, axis = plt.subplots(figsize=(7.5, 4))
    named = {"accuracy": ("training, constant rate", NEUTRAL, "--"),
             "val_accuracy": ("validation, constant rate", HUES[0], "-")}  # fmt: skip
    told = []
    for curve, (label, colour, line) in named.items():
        values = 100 * np.array([curves[curve] for curves in runs["curves"]])
        steps = np.arange(1, values.shape[1] + 1)
        drawn = axis.plot(steps, values.T, color=colour, linestyle=line, linewidth=1.2, alpha=0.8)
        drawn[0].set_label(label)
        told.append(
            f"{label}: {values[:, 0].mean():.1f}% after the first epoch, {values[:, -1].mean():.1f}% at the end"
        )
    means = {count: 100 * np.mean(values) for count, values in separate.items()}
    dots = [(count, 100 * value) for count, values in separate.items() for value in values]
    axis.plot(*np.transpose(dots), "o", color=HUES[1], markersize=6, alpha=0.7, label="validation, falling rate")
    told.append("falling rate: " + ", ".join(f"{mean:.1f}% with {count} epochs" for count, mean in means.items()))
    axis.set(xlabel="epochs", ylabel="accuracy (%)", title=title)
    axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axis.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    describe(figure, f"{title}. {'; '.join(told)}.")
    return figure


def range_test(found: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str) -> Figure:
    """Draw the loss of each step against its learning rate, which grows from step to step; pale, and smoothed strong.

    `found` maps a network's name to its learning rates and losses. Losses above twice the first are cut off.
    """
    figure, axis = plt.subplots(figsize=(7.5, 3.6))
    told = []
    for k, (name, (rates, losses)) in enumerate(found.items()):
        smooth = pd.Series(losses).ewm(span=15).mean()
        axis.plot(rates, losses, color=HUES[k], linewidth=0.8, alpha=0.35)
        axis.plot(rates, smooth, color=HUES[k], linestyle=LINES[k], linewidth=2, label=name)
        told.append(f"{name}: lowest at a rate of {rates[int(np.nanargmin(smooth))]:.2g}")
    first = max(losses[0] for _, losses in found.values())
    axis.set(xscale="log", xlabel="learning rate", ylabel="loss of the batch", title=title, ylim=(0, 2 * first))
    axis.legend(frameon=False)
    figure.tight_layout()
    describe(figure, f"{title}. The loss falls, reaches a minimum and rises again. {'; '.join(told)}.")
    return figure


def grid(networks: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the validation accuracy against the learning rate, a panel a network, a line an optimizer through the means.

    `networks` maps the title of a panel to a table with the columns "optimizer", "rate" and "accuracy" (0 to 1), a row
    a run. Accuracies more than 12 points below the best are cut off.
    """
    figure, axes = plt.subplots(1, len(networks), figsize=(5.2 * len(networks), 4), squeeze=False)
    told = []
    for axis, (network, runs) in zip(axes.flat, networks.items(), strict=True):
        for k, (optimizer, found) in enumerate(runs.groupby("optimizer", sort=False)):
            means = 100 * found.groupby("rate")["accuracy"].mean()
            axis.plot(found["rate"], 100 * found["accuracy"], "o", color=HUES[k], alpha=0.4, markersize=4)
            axis.plot(means.index, means, color=HUES[k], linestyle=LINES[k], linewidth=2, label=optimizer)
            told.append(f"{network}, {optimizer}: {means.max():.1f}% at {means.idxmax():g}")
        best = 100 * runs["accuracy"].max()
        axis.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy (%)", title=network)
        axis.set_ylim(max(best - 12, axis.get_ylim()[0]), best + 0.7)
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, loc="lower center", ncols=len(names), fontsize=10)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    describe(figure, f"Accuracy against the learning rate. The best means: {'; '.join(told)}.")
    return figure


def frontier(found: pd.DataFrame, title: str) -> Figure:
    """Draw accuracy against parameters, multiplications and time: which network no cheaper one beats.

    `found` has a row a network with "accuracy" and "spread" in percent, "parameters", "multiplications" (for one image)
    and "training" (seconds of the whole training), and the network's kind in "kind"; its name is the index. The
    frontier joins the networks that are more accurate than every cheaper one. Every fourth network of a
    panel's frontier gets its name, without what stands in parentheses.
    """
    costs = {"parameters": "parameters", "multiplications": "multiplications per image",
             "training": "seconds of training"}  # fmt: skip
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), sharey=True)
    kinds = list(dict.fromkeys(found["kind"]))
    for axis, (column, label) in zip(axes, costs.items(), strict=True):
        best = on_frontier(found, column)
        axis.step(found.loc[best, column], found.loc[best, "accuracy"], where="post", color=INK, linewidth=1, alpha=0.6)
        for k, kind in enumerate(kinds):
            rows = found[found["kind"] == kind]
            axis.errorbar(rows[column], rows["accuracy"], rows["spread"].fillna(0), color=HUES[k], fmt="os^Dv"[k],
                          markersize=5, linewidth=0.8, label=kind)  # fmt: skip
        for name in best[::-4]:
            axis.annotate(name.split(" (")[0], (found.loc[name, column], found.loc[name, "accuracy"]), (-7, 5),
                          fontsize=9, textcoords="offset points", ha="right")  # fmt: skip
        axis.set(xscale="log", xlabel=label)
        axis.margins(x=0.12, y=0.1)
    axes[0].set_ylabel("validation accuracy (%)")
    figure.legend(
        *axes[0].get_legend_handles_labels(), frameon=False, loc="lower center", ncols=len(kinds), fontsize=10
    )
    figure.suptitle(title)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    told = ", ".join(f"{name} ({found.loc[name, 'accuracy']:.1f}%)" for name in on_frontier(found, "multiplications"))
    describe(figure, f"{title}, in three panels. On the frontier of multiplications: {told}.")
    return figure


def on_frontier(found: pd.DataFrame, cost: str) -> list[str]:
    """Return the names of the rows that are more accurate than all that cost as much or less, cheapest first."""
    best, names = -np.inf, []
    for name, row in found.sort_values([cost, "accuracy"], ascending=[True, False]).iterrows():
        if row["accuracy"] > best:
            best = row["accuracy"]
            names.append(name)
    return names


def progress(searches: Mapping[str, Sequence[Sequence[float]]], title: str) -> Figure:
    """Draw the best validation accuracy so far against the epochs spent, thin for single searches, their mean thick.

    `searches` maps a method to its searches, each a list of best accuracies (0 to 1) after every epoch of the budget;
    NaN before the first network is trained.
    """
    figure, axis = plt.subplots(figsize=(7.5, 3.8))
    told = []
    for k, (method, runs) in enumerate(searches.items()):
        values = 100 * np.asarray(runs, float)
        steps = np.arange(1, values.shape[1] + 1)
        axis.plot(steps, values.T, color=HUES[k], linewidth=0.8, alpha=0.5)
        axis.plot(steps, values.mean(axis=0), color=HUES[k], linestyle=LINES[k], linewidth=2.5, label=method)
        told.append(f"{method} ends between {values[:, -1].min():.1f}% and {values[:, -1].max():.1f}%")
    axis.set(xlabel="epochs of training spent", ylabel="best validation accuracy (%)", title=title)
    axis.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    describe(figure, f"{title}. {'; '.join(told)}.")
    return figure


def luck(winners: Mapping[str, tuple[float | None, Sequence[float]]], title: str) -> Figure:
    """Draw what a search reported of its winner, and what the same network reaches from fresh seeds, a row a network.

    `winners` maps a name to the reported accuracy and those of the fresh seeds (0 to 1); the accuracy is None where no
    search reported any.
    """
    figure, axis = plt.subplots(figsize=(8, 0.34 * len(winners) + 1.4))
    told, label = [], "in the search"
    for row, (name, (reported, fresh)) in enumerate(winners.items()):
        mean = _seeds(axis, row, fresh)
        told.append(f"{name} {mean:.1f}% from fresh seeds")
        if reported is not None:
            axis.plot(100 * reported, row, "D", color=HUES[1], markersize=7, label=label)
            told[-1] += f" and {reported:.1%} in the search"
            label = None
    _rows(axis, list(winners))
    axis.set(xlabel="validation accuracy (%)", title=title)
    figure.tight_layout()
    describe(figure, f"{title}. {'; '.join(told)}.")
    return figure


def optuna_figure(
    draw: Callable[..., Axes], study: Any, text: str, labels: tuple[str, str] | None = None, **options: Any
) -> Figure:
    """Return the figure that one of Optuna's functions for matplotlib draws of a study, in the style of the others.

    `draw` is such as `optuna.visualization.matplotlib.plot_optimization_history`, `options` are its arguments, and
    `text` is the alternative text. `labels` replaces those of the axes, of which the first then has whole numbers.
    """
    with plt.rc_context():  # Optuna switches to another style for good
        axis = draw(study, **options)
    legend = axis.get_legend()
    if legend and len(legend.get_texts()) != 2:
        legend.remove()
    axis.set_facecolor("white")
    axis.grid(color="#CCCCCC")
    for place in ("left", "center"):
        axis.set_title("", loc=place)
    if labels:
        axis.set(xlabel=labels[0], ylabel=labels[1])
        axis.xaxis.get_major_locator().set_params(integer=True)
    axis.figure.set_size_inches(7.5, 3.6)
    axis.figure.tight_layout()
    describe(axis.figure, text)
    return axis.figure
