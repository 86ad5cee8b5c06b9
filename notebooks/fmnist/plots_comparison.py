"""The figures of the comparison of the frameworks: divergence, defaults, the verdict, twins and costs.

As in `plots`, every function returns a matplotlib Figure that carries its alternative text.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from fmnist.plots import FRAMEWORK_COLOURS, INK, NEUTRAL, describe
from fmnist.records import DISPLAY
from fmnist.study import Gap

NETWORKS = ("dense", "cnn")
ORANGE, BLUE = FRAMEWORK_COLOURS["keras"], FRAMEWORK_COLOURS["pytorch"]


def divergence(steps: Sequence[int], distances: Mapping[str, np.ndarray]) -> Figure:
    """Draw the largest difference of a logit after each of some steps; `distances` maps a pair of runs to it."""
    figure, axis = plt.subplots(figsize=(9.5, 5))
    ends = []
    for name, values in distances.items():
        colour = NEUTRAL if "initial" in name else ORANGE if name.startswith("Keras,") else INK
        colour = BLUE if name.startswith(("PyTorch,", "smooth")) else colour
        line = "--" if "float64" in name else ":" if "smooth" in name else "-"
        # Where two runs agree in every bit there is nothing to draw on a logarithmic scale.
        shown = np.where(values > 0, values, np.nan)
        axis.plot(steps, shown, line, color=colour, linewidth=1.8)
        if np.isfinite(shown).any():
            ends.append((np.log10(shown[np.isfinite(shown)][-1]), name, colour))
    # Labels at the ends of the lines, moved apart where they would overlap.
    place = np.inf
    for end, name, colour in sorted(ends, reverse=True):
        place = min(end, place - 0.9)
        axis.annotate(
            name, (steps[-1], 10**place), (8, 0), textcoords="offset points", va="center", fontsize=9, color=colour,
            annotation_clip=False,
        )  # fmt: skip
    axis.axhline(0.01, color=NEUTRAL, linestyle=":", linewidth=0.8)
    axis.set(xscale="log", yscale="log", xlabel="training step", ylabel="largest difference of a logit")
    axis.set(xlim=(1, steps[-1]), ylim=(1e-17, 1e3), title="Two training runs with the same images in each batch")
    figure.tight_layout()
    told = "; ".join(f"{name}: {values[0]:.0e} to {values[-1]:.0e}" for name, values in distances.items())
    describe(figure, f"The largest difference of a logit from step 1 to step {steps[-1]}. {told}.")
    return figure


def defaults(effects: Mapping[str, Gap], names: Mapping[str, str]) -> Figure:
    """Draw what each default changes, with its interval; filled where the interval leaves out 0.

    `effects` maps "NETWORK CHANGE" to a difference in points, and `names` maps it to what is written. A network has a
    panel, both with the same scale.
    """
    groups = {key: list(group) for key, group in itertools.groupby(effects, key=lambda name: name.split(" ")[0])}
    titles = {"dense": "dense network", "batch_norm": "with batch normalization"}
    sizes = [len(group) for group in groups.values()]
    figure, axes = plt.subplots(len(groups), 1, figsize=(8.5, 5.2), sharex=True, height_ratios=sizes, squeeze=False)
    for axis, (network, group) in zip(axes[:, 0], groups.items(), strict=True):
        for place, name in enumerate(group):
            _interval(axis, effects[name], place, INK)
        axis.axvline(0, color=NEUTRAL, linewidth=0.8)
        axis.set_yticks(range(len(group)), [names[name] for name in group])
        axis.set(title=titles[network], ylim=(len(group) - 0.5, -0.5))
    axes[-1, 0].set_xlabel("PyTorch's default in place of Keras's: change of validation accuracy (points)")
    axes[0, 0].set_title("filled: 95% interval without 0", loc="right", fontsize=9)
    figure.tight_layout()
    told = "; ".join(f"{titles[name.split(' ')[0]]}, {names[name]}: {_told(gap)}" for name, gap in effects.items())
    describe(figure, f"What each default changes, in points with 95% intervals. {told}.")
    return figure


def verdict(runs: pd.DataFrame, gaps: Mapping[tuple[str, str], Gap]) -> Figure:
    """Draw the test accuracy of every run above, on one scale, and the differences below.

    `runs` has the columns "network", "arm" and "accuracy" (%), and an arm begins with the name of its framework; `gaps`
    maps (network, what is compared) to a difference.
    """
    rows = [(n, arm) for n in NETWORKS for arm in sorted(runs.loc[runs["network"] == n, "arm"].unique())]
    figure, (above, below) = plt.subplots(2, 1, figsize=(8.5, 7))
    for place, (network, arm) in enumerate(rows):
        values = runs.loc[(runs["network"] == network) & (runs["arm"] == arm), "accuracy"]
        colour = FRAMEWORK_COLOURS[arm.split(" ")[0].lower()]
        _dots(above, values, place, colour, filled=" " not in arm)
    names = [f"{DISPLAY[network]}: {arm} ({_count(runs, network, arm)})" for network, arm in rows]
    above.set_yticks(range(len(rows)), names)
    above.set(xlabel="test accuracy (%)", ylim=(len(rows) - 0.5, -0.5), title="A dot for each run, a line at the mean")
    for place, gap in enumerate(gaps.values()):
        _interval(below, gap, place, INK)
    below.axvline(0, color=NEUTRAL, linewidth=0.8)
    labels = [f"{DISPLAY[network]}: {name}" for network, name in gaps]
    below.set_yticks(range(len(gaps)), labels)
    below.set(xlabel="difference (points)", ylim=(len(gaps) - 0.5, -0.5))
    below.set_title("Differences, 95% intervals (filled: without 0)")
    figure.tight_layout()
    told = "; ".join(f"{label}: {_told(gap)}" for label, gap in zip(labels, gaps.values(), strict=True))
    describe(figure, f"Test accuracies of every run, and differences in points with 95% intervals. {told}.")
    return figure


def twins(shares: Mapping[tuple[str, str], Mapping[str, Sequence[float]]]) -> Figure:
    """Draw on how many test images (%) two models differ: {(network, framework): {"twins" | "seeds": values}}."""
    figure, axis = plt.subplots(figsize=(8.5, 3.4))
    rows = [(key, kind) for key in sorted(shares, key=lambda key: NETWORKS.index(key[0])) for kind in shares[key]]
    told = []
    for place, ((network, framework), kind) in enumerate(rows):
        values = np.array(shares[network, framework][kind])
        _dots(axis, values, place, FRAMEWORK_COLOURS[framework], filled=kind == "twins")
        told.append(f"{DISPLAY[network]} in {DISPLAY[framework]}, {kind}: {values.mean():.1f}%")
    label = {"twins": "differ in rounding", "seeds": "two seeds"}
    axis.set_yticks(range(len(rows)), [f"{DISPLAY[n]}, {DISPLAY[f]}: {label[kind]}" for (n, f), kind in rows])
    axis.set(xlabel="test images with different predictions (%)", ylim=(len(rows) - 0.5, -0.5))
    axis.set_xlim(left=0)
    axis.set_title("A dot for each pair of trained models, a line at the mean")
    figure.tight_layout()
    describe(figure, f"Share of the test images on which two trained models differ, means: {'; '.join(told)}.")
    return figure


def costs_table(record: Mapping[str, Any], quantities: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the median and the range of each quantity, a column for each network and framework.

    `record` is that of `make costs`, and `quantities` maps a name to the keys under which a row has it.
    """
    columns = list(itertools.product(NETWORKS, FRAMEWORK_COLOURS))
    found = {
        f"{DISPLAY[framework]}, {DISPLAY[network]}": [
            _range(_measured(record, network, framework, path)) for path in quantities.values()
        ]
        for network, framework in columns
    }
    return pd.DataFrame(found, index=list(quantities))


def costs(record: Mapping[str, Any], quantities: Mapping[str, Sequence[str]]) -> Figure:
    """Draw the cost in Keras divided by that in PyTorch: the median and the range over the rounds.

    Quantities that only one framework has are left out. A framework's colour says that its costs are lower in every
    round, grey that the range crosses 1.
    """
    shown = {
        name: path
        for name, path in quantities.items()
        if all(_measured(record, "dense", framework, path) for framework in FRAMEWORK_COLOURS)
    }  # fmt: skip
    figure, axis = plt.subplots(figsize=(9, 4.4))
    told = []
    for (place, path), (network, shift) in itertools.product(
        enumerate(shown.values()), zip(NETWORKS, (-0.15, 0.15), strict=True)
    ):
        values = [_measured(record, network, framework, path)["values"] for framework in FRAMEWORK_COLOURS]
        ratios = np.divide(*values)
        middle, low, high = np.median(ratios), ratios.min(), ratios.max()
        colour = ORANGE if high < 1 else BLUE if low > 1 else NEUTRAL
        axis.errorbar(
            middle, place + shift, xerr=[[middle - low], [high - middle]], color=colour, capsize=3,
            fmt="o" if network == "cnn" else "D",
        )  # fmt: skip
        told.append(f"{list(shown)[place]}, {DISPLAY[network]}: {middle:.2g}")
    axis.axvline(1, color=INK, linewidth=0.8)
    axis.set_yticks(range(len(shown)), [name.rsplit(" (", 1)[0] for name in shown])
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel="cost in Keras / cost in PyTorch (diamond: dense network, circle: CNN)")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_title("Orange: Keras costs less. Blue: PyTorch costs less. Grey: the range contains 1")
    figure.tight_layout()
    describe(figure, f"Cost in Keras divided by cost in PyTorch, medians. {'; '.join(told)}.")
    return figure


def _dots(axis, values, place, colour, filled):
    """Draw a dot for each value in one row, and a line at their mean."""
    fill = colour if filled else "none"
    axis.plot(values, np.full(len(values), place), "o", color=colour, markerfacecolor=fill, alpha=0.6, markersize=5)
    axis.plot(values.mean(), place, "|", color=INK, markersize=16)


def _interval(axis, gap, place, colour):
    axis.errorbar(
        gap.mean, place, xerr=[[gap.mean - gap.low], [gap.high - gap.mean]], fmt="o", color=colour, capsize=4,
        markerfacecolor=colour if gap.is_seen else "white",
    )  # fmt: skip


def _told(gap):
    return f"{gap.mean:+.2f} ({gap.low:+.2f} to {gap.high:+.2f})"


def _count(runs, network, arm):
    return f"n = {((runs['network'] == network) & (runs['arm'] == arm)).sum()}"


def _measured(record, network, framework, path):
    """Return what was measured of one model, a dict with "median", "min", "max" and "values", or None."""
    (found,) = [row for row in record["rows"] if (row["network"], row["framework"]) == (network, framework)]
    for key in path:
        found = None if found is None else found.get(key)
    return found


def _range(found):
    if found is None:
        return ""
    values = found["median"], found["min"], found["max"]
    middle, low, high = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in values)
    return f"{middle} ({low}–{high})"
