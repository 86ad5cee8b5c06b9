"""The front page's three answers, with the numbers of the records: same function, same accuracy, same speed?

The sentences around the numbers are true of the committed records; tests/content/test_readme.py says when they are not.
"""

import functools

from fmnist import taught
from fmnist.chapters import FRAMEWORKS
from fmnist.paths import MODELS
from fmnist.records import DISPLAY, read
from fmnist.study import Gap, table
from fmnist.study import gap as study_gap

NETWORKS = {"dense": "dense network", "cnn": "CNN"}
# {part of the study: how PyTorch was set in it}
SETTINGS = {
    "verdict": "with each framework's defaults",
    "aligned": "with Keras's initial weights in both",
    "matched": "with Keras's initial weights and Adam's epsilon in both",
}


@functools.cache
def gap(network: str, part: str = "verdict") -> Gap:
    """Return by how much the study's runs in Keras are ahead of those of a `part` in PyTorch (see `SETTINGS`)."""
    runs = table("verdict", part)
    runs = runs[runs["network"] == network]
    keras = runs[runs["framework"] == "keras"]
    return study_gap(keras, runs[(runs["framework"] == "pytorch") & (runs["part"] == part)])


def seconds_per_epoch() -> dict[str, dict[tuple[str, str], dict[str, float]]]:
    """Map each measurement to the seconds of an epoch of each (network, framework): their median, min and max.

    A measurement is named by its processor and its command, since both commands may have been run on one processor.
    """
    found = {}
    for name, times in (("benchmark", lambda row: row["chapter"]), ("costs", lambda row: row["epoch_seconds"])):
        if (MODELS / f"{name}.json").exists():
            record = read(name)
            seconds = {(row["network"], row["framework"]): times(row) for row in record["rows"]}
            found[f"{record['machine']['cpu']}, `make {name}`"] = seconds
    return found


def explained(network: str) -> float:
    """Return by how many points the gap of the defaults is smaller with Keras's initial weights in both."""
    return gap(network).mean - gap(network, "aligned").mean


def answers() -> str:
    """Return the three questions with their answers, each above its figure, as Markdown."""
    found = [
        (
            f"**Same function? Yes, to rounding.** {_same_function()}",
            _figure("divergence", "Difference of the logits of two training runs, step by step, in two precisions"),
        ),
        (
            f"**Same accuracy? Nearly, and the initial weights matter.** {_same_accuracy()}",
            _figure("verdict", "Test accuracies of both networks in both frameworks, a dot for each seed"),
        ),
        (
            f"**Same speed? {_speed_in_short()}** {_same_speed()}",
            _figure("costs", "Cost in Keras divided by cost in PyTorch, from import to the prediction for one image"),
        ),
    ]
    return "\n\n".join(f"{text}\n\n{figure}" for text, figure in found)


def _figure(name: str, alternative: str) -> str:
    return f'<a href="figures/{name}.png"><img src="figures/{name}.png" width="620" alt="{alternative}"></a>'


def _same_function() -> str:
    settings = taught.run_tagged_cells("keras_vs_pytorch", "parameters")
    return (
        "With the same weights, each of chapter 01's four models gives the same logits in both frameworks. In "
        f"`float64`, {settings['SGD_STEPS']} steps of gradient descent and {settings['ADAM_STEPS']} of Adam train the "
        "CNN to the same logits too. For Adam, its epsilon must be as large and in the same place, for dropout both "
        "need the same masks, and for batch normalization the same variance. In `float32`, rounding alone makes two "
        "training runs of this CNN diverge, even within one framework."
    )


def _same_accuracy() -> str:
    lines = [
        "Keras minus PyTorch in test accuracy, in percentage points, with 95% intervals over seeds and test images:",
        "",
    ]
    for part, name in SETTINGS.items():
        parts = [f"{label} {_interval(gap(network, part))}" for network, label in NETWORKS.items()]
        lines.append(f"- {name}: {', '.join(parts)}")
    shares = [f"{explained(each):.2f} of {gap(each).mean:.2f} points ({NETWORKS[each]})" for each in NETWORKS]
    return "\n".join([*lines, "", f"So the initial weights explain {' and '.join(shares)}."])


def _same_speed() -> str:
    lines = ["Median seconds of an epoch and their range over several rounds, Keras / PyTorch:", ""]
    for measurement, seconds in seconds_per_epoch().items():
        parts = [
            f"{label} {_range(seconds[network, 'keras'])} / {_range(seconds[network, 'pytorch'])}"
            for network, label in NETWORKS.items()
        ]
        lines.append(f"- {', '.join(parts)} ({measurement})")
    costs = read("costs")
    rows = [row for row in costs["rows"] if row["network"] == "dense"]
    starts = {row["framework"]: _short(row["import_seconds"]["median"]) for row in rows}
    about = f"On the {costs['machine']['cpu']}, importing took {starts['keras']} seconds in Keras with TensorFlow"
    return "\n".join([*lines, "", f"{about} and {starts['pytorch']} in PyTorch."])


def _speed_in_short() -> str:
    """Say who is ahead: only where the slowest epoch of one took less than the fastest of the other."""
    measured = [(seconds, network) for seconds in seconds_per_epoch().values() for network in NETWORKS]
    ahead = [
        fast
        for seconds, network in measured
        for fast, slow in (FRAMEWORKS, FRAMEWORKS[::-1])
        if seconds[network, fast]["max"] < seconds[network, slow]["min"]
    ]
    if len(ahead) == len(measured) and len(set(ahead)) == 1:
        return f"{DISPLAY[ahead[0]]} was faster wherever we measured."
    return f"No clear winner: the ranges are apart in {len(ahead)} of {len(measured)} comparisons."


def _interval(found: Gap) -> str:
    return f"{_signed(found.mean)} ({_signed(found.low)} to {_signed(found.high)}, {found.seeds} seeds)"


def _range(times: dict[str, float]) -> str:
    return f"{_short(times['median'])} ({_short(times['min'])}–{_short(times['max'])})"


def _short(seconds: float) -> str:
    return f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.2f}"


def _signed(points: float) -> str:
    # A minus sign that is as wide as the plus sign.
    return f"{points:+.2f}".replace("-", "−")
