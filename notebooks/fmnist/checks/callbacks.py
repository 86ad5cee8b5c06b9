"""Checks for chapter 02: callbacks that stop a training run, learning curves, and a method against overfitting."""

import numpy as np
from scipy.special import log_softmax

from fmnist.checks.calls import where_it_stopped
from fmnist.checks.common import Wrong, array, call, check, describe, number, require, whole_number


def _logs(accuracies, training=None):
    """Return made-up logs, one dict per epoch; the training accuracy runs ahead of the validation accuracy."""
    training = training or [min(0.99, accuracy + 0.03) for accuracy in accuracies]
    return [
        {"loss": 1 - one, "accuracy": one, "val_loss": 1 - other, "val_accuracy": other}
        for one, other in zip(training, accuracies, strict=True)
    ]


@check(given=("rehearse",))
def threshold(make_threshold, rehearse):
    """`make_threshold(accuracy)`: a callback that stops at this validation accuracy.

    Given code: `rehearse(callback, logs)` goes through the epochs of `logs` without training and returns how many there
    were.
    """
    cases = [
        (0.85, [0.80, 0.83, 0.86, 0.87, 0.88], 3),
        (0.85, [0.80, 0.85, 0.86, 0.87], 2),  # exactly
        (0.90, [0.80, 0.83, 0.86, 0.87], 4),  # never
        (0.85, [0.86, 0.80, 0.84], 1),
        (0.85, [0.70, 0.81, 0.82, 0.84, 0.90, 0.91], 5),
    ]
    for accuracy, epochs, expected in cases:
        callback = call(make_threshold, accuracy)
        require(not isinstance(callback, type), "You return a class. Return an object of it, `Name(accuracy)`.")
        found = _rehearsed(rehearse, callback, _logs(epochs))
        row = ", ".join(f"{value:.2f}" for value in epochs)
        case = f"For a threshold of {accuracy:.2f} and the validation accuracies {row}"
        by_training = next((i for i, log in enumerate(_logs(epochs), 1) if log["accuracy"] >= accuracy), len(epochs))
        if found == expected:
            continue
        require(found != by_training, f"{case}, it stops by the training accuracy. Look at `val_accuracy`.")
        require(
            found != len(epochs) or expected == len(epochs),
            f"{case}, it does not stop. Does your callback end the run?",
        )
        require(
            found != expected + 1,
            f"{case}, it stops one epoch too late. An accuracy that equals the threshold is enough, and the epoch that "
            "reaches it is the last.",
        )
        require(found > expected, f"{case}, it stops too early, after epoch {found}.")
        raise Wrong(f"{case}, it stops after epoch {found}. Expected the first epoch that reaches the threshold.")
    first, second = call(make_threshold, 0.85), call(make_threshold, 0.5)
    _rehearsed(rehearse, first, _logs([0.9]))
    require(
        _rehearsed(rehearse, second, _logs([0.4, 0.4])) == 2,
        "Two callbacks share what they remember. Keep it in the object, `self.…`.",
    )
    return "A callback sees the logs of each epoch and can end the run. Made-up logs test it without any training."


def _rehearsed(rehearse, callback, logs):
    """Return the number of epochs; an error in the callback becomes a message with the line."""
    try:
        return whole_number(rehearse(callback, logs), "the number of epochs")
    except (Wrong, NotImplementedError):
        raise
    except Exception as error:  # whatever a callback may raise
        require(
            not (
                isinstance(error, AttributeError) and error.obj is callback and error.name.startswith(("on_", "set_"))
            ),
            f"Your callback has no method `{getattr(error, 'name', '')}`, which every callback has. Let its class "
            "inherit from the class that the hint names.",
        )
        where = where_it_stopped(error, [getattr(callback, "on_epoch_end", None)])
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise Wrong(f"Your callback stopped{where} with {said[:150]}.") from error


def _stopped(losses, patience):
    """Return the last and the best epoch, from 1, with the chapter's rule."""
    best, best_epoch, wait = np.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        best, best_epoch, wait = (loss, epoch, 0) if loss < best else (best, best_epoch, wait + 1)
        if wait >= max(1, patience):
            return epoch, best_epoch
    return len(losses), best_epoch


@check(given=("patience", "most"))
def early_stopped(losses, loss_at_end, patience, most):
    """`losses`: the validation losses of a run with early stopping; `loss_at_end`: that of the network it returned."""
    found = array(losses, what="the losses")
    require(found.ndim == 1 and found.size > 0, f"Expected a loss per epoch, found the shape {found.shape}.")
    last, best = _stopped(found, patience)
    require(
        len(found) <= last,
        f"With a patience of {patience} the run should have ended after epoch {last}, and it has {len(found)} epochs.",
    )
    require(
        len(found) == last and (last == most or len(found) - best >= max(1, patience)),
        f"The run ended after epoch {len(found)}, {len(found) - best} epochs after its best one. The patience is "
        f"{patience}. Does the waiting begin anew after an epoch that was better?",
    )
    require(last < most, f"The run reached its last epoch, {most}. Allow more epochs, so that early stopping can act.")
    end = number(loss_at_end, "the loss at the end")
    require(
        abs(end - found[-1]) > 1e-4 or best == last,
        "At the end the network has the loss of the last epoch. Restore the parameters of the best one.",
    )
    require(
        abs(end - found.min()) < 1e-3, f"The best loss is {found.min():.4f}, and the network at the end has {end:.4f}."
    )
    return f"Early stopping ended the run after epoch {last} and restored the parameters of epoch {best}."


KINDS = ("overfits", "underfits", "rate too high", "fine")


def curves_to_read():
    """Return {name: (training losses, validation losses)} of four made-up runs of 30 epochs, for the exercise."""
    generator, epochs = np.random.default_rng(20), np.arange(1, 31)
    noise = lambda size: generator.normal(0, size, 30)  # noqa: E731
    return {
        "A": (
            0.9 * epochs**-0.75 + 0.01,
            0.42 + 0.25 * epochs**-1.0 + 0.012 * np.maximum(epochs - 8, 0) + noise(0.006),
        ),
        "B": (0.72 + 0.5 / epochs + noise(0.004), 0.74 + 0.5 / epochs + noise(0.006)),
        "C": (0.9 + noise(0.18), 0.95 + noise(0.22)),
        "D": (0.24 + 0.6 * epochs**-0.9 + noise(0.004), 0.28 + 0.6 * epochs**-0.9 + noise(0.005)),
    }


@check
def reading_curves(kinds, best_epoch):
    """`kinds`: {"A": "overfits", …} for the curves of `curves_to_read`; `best_epoch`: the one at which to stop A."""
    require(isinstance(kinds, dict), f"Expected a dictionary such as {{'A': 'fine'}}, found {describe(kinds)}.")
    expected = dict(zip("ABCD", KINDS, strict=True))
    absent = [name for name in expected if name not in kinds or kinds[name] is ...]
    require(not absent, f"Still missing: {', '.join(absent)}.")
    hints = {
        "A": "In A, compare the two curves after epoch 10. Which of them still falls?",
        "B": "In B, the curves stay close together, and both stay high.",
        "C": "In C, neither curve settles. When are the steps of training too large?",
        "D": "In D, both curves fall and flatten, with a small gap.",
    }
    for name, kind in expected.items():
        found = " ".join(str(kinds[name]).lower().split()).replace("fitting", "fits").replace("learning rate", "rate")
        require(found in KINDS, f"{name}: expected one of {', '.join(KINDS)}, found {describe(kinds[name])}.")
        require(found == kind, f"{name} is not {found!r}. {hints[name]}")
    losses = curves_to_read()["A"][1]
    best = int(losses.argmin()) + 1
    epoch = whole_number(best_epoch, "the best epoch")
    require(epoch != best - 1, "Nearly. The first epoch is epoch 1, and `argmin` counts from 0.")
    require(epoch != 30, "30 is where the training loss is lowest. Which curve decides?")
    require(epoch == best, f"Epoch {epoch} is not where the validation loss of A is lowest.")
    return "A growing gap means overfitting, two high curves underfitting, and jumps a learning rate that is too high."


@check(given=("bare", "logits_of", "images", "labels", "margin"))
def beats(trained, bare, logits_of, images, labels, margin):
    """`trained`: what `timed` returned for the student's function; `bare`: the bare network's validation loss."""
    problem = getattr(trained, "problem", None)
    require(not problem, problem or "")
    try:
        logits = array(logits_of(trained.result, images), what="the logits")
    except Exception as error:  # whatever it may raise for something that is no network
        raise Wrong(
            f"Expected the trained network, and your function returned {describe(trained.result)}, which does not "
            "predict the validation images."
        ) from error
    require(logits.shape == (len(images), 10), f"Expected ten logits per image, found the shape {logits.shape}.")
    rows = np.arange(len(labels))
    found = float(-log_softmax(logits, axis=1)[rows, np.asarray(labels, dtype=int)].mean())
    require(np.isfinite(found), "The validation loss is not finite. The learning rate may be far too high.")
    require(
        found <= bare - margin,
        f"Your validation loss is {found:.3f}, the bare network's is {bare:.3f}, and it should be lower by at least "
        f"{margin:g}. Which methods lowered it most in section 5 of the chapter?",
    )
    return f"Validation loss {found:.3f}, without regularization {bare:.3f}. Also report how many settings you tried."
