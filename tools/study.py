"""Train the same networks from many seeds, for the questions that one training cannot answer.

    python tools/study.py [--framework keras|pytorch] [--seeds N] [--images N] [--epochs N] [--folder PATH]

Three questions, all answered in notebooks/keras_vs_pytorch.ipynb:

- "verdict": the dense network and the CNN of chapter 01, with the settings and the networks taken from its notebooks,
  in each framework with the framework's own initialisation, and with the same batches in both.
- "aligned": the same in PyTorch once more, but from initial weights drawn as Keras draws them.
- "defaults": what each default in which the frameworks differ is worth. One change at a time against a training in
  which everything is set as Keras sets it. Run in PyTorch, where every one of these settings can be chosen.

Each framework works in a process of its own, on one thread, so that the two can run side by side on two cores
without slowing each other down as two trainings with two threads each would. A run is written to
models/study_keras.json or models/study_pytorch.json as soon as it has ended. Stop whenever you like: the same command
goes on with the runs that are missing. A run that was made by other code than today's counts as missing.
"""

import argparse
import ast
import base64
import hashlib
import json
import math
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
# The package is found without being installed, as the notebooks find it.
sys.path.insert(0, str(ROOT / "notebooks"))

from fashion import data, taught  # noqa: E402
from fashion.paths import MODELS  # noqa: E402
from fashion.quiet import quiet_start  # noqa: E402
from fashion.records import DISPLAY, PACKAGES, replacing  # noqa: E402
from fashion.stamp import canonical  # noqa: E402

FRAMEWORKS = ("keras", "pytorch")
VERDICT_SEEDS = {"dense": 10, "cnn": 5}
ALIGNED_SEEDS = {"dense": 10, "cnn": 3}
DEFAULTS_SEEDS = 5
DEFAULTS_EPOCHS = 10

# Everything as Keras has it; "weights" and "bias" are for dense layers, the last two for batch normalization.
ALIGNED = {
    "weights": "glorot",
    "bias": "zero",
    "adam_epsilon": 1e-7,
    "batch_size": 128,
    "drop_last": False,
    "lowest_pixel": 0.0,
    "bn_momentum": 0.01,
    "bn_epsilon": 1e-3,
}
# {network: {name of the change: what is other than in ALIGNED}}. The first of each network is the aligned training.
CHANGES = {
    "dense": {
        "aligned": {},
        "weights": {"weights": "kaiming"},
        "bias": {"bias": "uniform"},
        "adam_epsilon": {"adam_epsilon": 1e-8},
        "drop_last": {"drop_last": True},
        "batch_size": {"batch_size": 64},
        "lowest_pixel": {"lowest_pixel": -1.0},
        "all_pytorch": {"weights": "kaiming", "bias": "uniform", "adam_epsilon": 1e-8},
    },
    "batch_norm": {
        "aligned": {},
        "bn_momentum": {"bn_momentum": 0.1},
        "bn_epsilon": {"bn_epsilon": 1e-5},
        "all_pytorch": {
            "weights": "kaiming",
            "bias": "uniform",
            "adam_epsilon": 1e-8,
            "bn_momentum": 0.1,
            "bn_epsilon": 1e-5,
        },
    },
}


def chapter(framework):
    """Return the name of the notebook that the networks and the settings are taken from."""
    return f"01_dense_and_cnn_{framework}"


def arrays(count=None):
    """Return {"train" | "validation" | "test": (images float32 N x 28 x 28 in 0...1, labels int64 N)}.

    `count` takes so few images of each part, for a quick look.
    """
    (images, labels), (test_images, test_labels) = data.load()
    train, validation = data.split(labels)
    parts = {
        "train": (images[train], labels[train]),
        "validation": (images[validation], labels[validation]),
        "test": (test_images, test_labels),
    }
    return {name: (x[:count].astype("float32") / 255, y[:count].astype("int64")) for name, (x, y) in parts.items()}


def orders(seed, images, epochs):
    """Return the order of the training images in each epoch: the same for both frameworks."""
    generator = np.random.default_rng(seed)
    return [generator.permutation(images) for _ in range(epochs)]


def scores(logits, labels):
    """Return accuracy and cross-entropy of N x 10 logits."""
    logits = logits.astype("float64")
    log_sum = np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)) + logits.max(axis=1)
    loss = (log_sum - logits[np.arange(len(labels)), labels]).mean()
    return {"accuracy": float((logits.argmax(axis=1) == labels).mean()), "loss": round(float(loss), 6)}


def packed(right):
    """Return which images were classified correctly (N booleans) as text: one bit an image, base64."""
    return base64.b64encode(np.packbits(right)).decode("ascii")


def keras_verdict(network, seed, parts, epochs=None):
    """Train one network of chapter 01 in Keras and return its scores."""
    import keras

    given = taught.names(chapter("keras"), "parameters", "model", keras=keras)
    epochs, batch_size = epochs or given["EPOCHS"], given["BATCH_SIZE"]
    images = {name: x[..., None] for name, (x, _) in parts.items()}
    x, y = images["train"], parts["train"][1]
    keras.utils.set_random_seed(seed)
    model = given[f"build_{network}"]()
    steps = epochs * math.ceil(len(x) / batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(given["LEARNING_RATE"], decay_steps=steps)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=200,
    )
    curve = []
    for order in orders(seed, len(x), epochs):
        # The order is made outside, so that both frameworks meet the images in the same one.
        history = model.fit(x[order], y[order], batch_size=batch_size, shuffle=False, verbose=0).history
        curve.append(round(history["accuracy"][0], 6))
    logits = {name: model.predict(x, batch_size=1000, verbose=0) for name, x in images.items()}
    return verdict(logits, parts, curve)


def pytorch_verdict(network, seed, parts, epochs=None):
    """Train one network of chapter 01 in PyTorch and return its scores."""
    import torch
    from torch import nn

    given = taught.names(chapter("pytorch"), "parameters", "model", nn=nn)
    epochs, batch_size = epochs or given["EPOCHS"], given["BATCH_SIZE"]
    tensors = {name: (torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)) for name, (x, y) in parts.items()}
    x, y = tensors["train"]
    torch.manual_seed(seed)
    model = {"dense": given["build_dense"], "cnn": given["CNN"]}[network]().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=given["LEARNING_RATE"], fused=True)
    steps = epochs * math.ceil(len(x) / batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    curve = [
        pytorch_epoch(model, optimizer, schedule, x, y, torch.from_numpy(order).split(batch_size))
        for order in orders(seed, len(x), epochs)
    ]
    return verdict({name: pytorch_logits(model, images) for name, (images, _) in tensors.items()}, parts, curve)


def pytorch_aligned(network, seed, parts, epochs=None):
    """Do as `pytorch_verdict`, but from weights drawn as Keras draws them: Glorot-uniform, and biases of zero."""
    from torch import nn

    def reset(layer):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)

    # Where every layer draws its weights when it is made.
    linear, convolution = nn.Linear, nn.modules.conv._ConvNd
    with patch.object(linear, "reset_parameters", reset), patch.object(convolution, "reset_parameters", reset):
        return pytorch_verdict(network, seed, parts, epochs)


def pytorch_epoch(model, optimizer, schedule, x, y, batches):
    """Train for one epoch; return the share of the images classified correctly, each just before its step."""
    import torch

    model.train()
    correct = seen = 0
    for rows in batches:
        logits = model(x[rows])
        loss = torch.nn.functional.cross_entropy(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        correct += (logits.argmax(dim=1) == y[rows]).sum()
        seen += len(rows)
    return round(float(correct / seen), 6)


def pytorch_logits(model, images, training=False):
    """Return the N x 10 logits as an array, in evaluation mode or, with dropout drawn, in training mode."""
    import torch

    model.train(training)
    with torch.no_grad():
        return torch.cat([model(batch) for batch in images.split(1000)]).numpy()


def verdict(logits, parts, curve):
    """Return what is recorded of one run: scores of the three parts, and which test images it gets right."""
    found = {name: scores(logits[name], labels) for name, (_, labels) in parts.items()}
    right = logits["test"].argmax(axis=1) == parts["test"][1]
    return found | {"running_accuracy": curve, "test_right": packed(right)}


def defaults_network(network, seed, settings):
    """Return the network in PyTorch with weights drawn by NumPy: the same draws, scaled as `settings` says.

    "dense" is that of chapter 01; "batch_norm" has batch normalization before each ReLU and dropout 0.2 after it.
    Glorot-uniform weights lie within sqrt(6 / (inputs + outputs)); PyTorch's, for historical reasons called
    kaiming_uniform_(a=sqrt(5)), within 1 / sqrt(inputs), and so do its biases.
    """
    import torch
    from torch import nn

    def after(width):
        if network == "dense":
            return [nn.ReLU()]
        options = {"eps": settings["bn_epsilon"], "momentum": settings["bn_momentum"]}
        return [nn.BatchNorm1d(width, **options), nn.ReLU(), nn.Dropout(0.2)]

    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), *after(128), nn.Linear(128, 64), *after(64), nn.Linear(64, 10)
    )
    generator = np.random.default_rng(seed)
    for layer in (module for module in model if isinstance(module, nn.Linear)):
        inputs, outputs = layer.in_features, layer.out_features
        weights = math.sqrt(6 / (inputs + outputs)) if settings["weights"] == "glorot" else 1 / math.sqrt(inputs)
        bias = 0 if settings["bias"] == "zero" else 1 / math.sqrt(inputs)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights * generator.uniform(-1, 1, (outputs, inputs))))
            layer.bias.copy_(torch.from_numpy(bias * generator.uniform(-1, 1, outputs)))
    return model


def pytorch_defaults(network, change, seed, parts, epochs=None):
    """Train one network with one change of the defaults; return the validation scores after every epoch."""
    import torch

    settings = ALIGNED | CHANGES[network][change]
    epochs = epochs or DEFAULTS_EPOCHS
    low = settings["lowest_pixel"]
    tensors = {
        name: (torch.from_numpy(low + (1 - low) * x).float().unsqueeze(1), torch.from_numpy(y))
        for name, (x, y) in parts.items()
    }
    (x, y), (x_validation, y_validation) = tensors["train"], tensors["validation"]
    model = defaults_network(network, seed, settings)
    torch.manual_seed(seed)  # for dropout
    batch_size = settings["batch_size"]
    used = len(x) // batch_size * batch_size if settings["drop_last"] else len(x)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=settings["adam_epsilon"], fused=True)
    steps = epochs * math.ceil(used / batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    validation, training = [], []
    for order in orders(seed, len(x), epochs):
        running = pytorch_epoch(model, optimizer, schedule, x, y, torch.from_numpy(order[:used]).split(batch_size))
        validation.append(scores(pytorch_logits(model, x_validation), y_validation.numpy()))
        # The same images with the weights as they are now, dropout and batch statistics first off, then on. In
        # training mode the batches that are looked at move the averages of batch normalization, which are put back.
        kept = {name: value.clone() for name, value in model.state_dict().items()}
        modes = {mode: scores(pytorch_logits(model, x, mode == "train"), y.numpy()) for mode in ("eval", "train")}
        model.load_state_dict(kept)
        training.append({"running": running} | {mode: found["accuracy"] for mode, found in modes.items()})
    return {"validation": validation, "training": training}


def wanted(framework, seeds=None):
    """Return the runs of one framework as dictionaries, in the order in which they are made."""
    runs = []
    for seed in range(1, 1 + (seeds or max(*VERDICT_SEEDS.values(), *ALIGNED_SEEDS.values(), DEFAULTS_SEEDS))):
        for study, counts in {"verdict": VERDICT_SEEDS, "aligned": ALIGNED_SEEDS}.items():
            if study == "verdict" or framework == "pytorch":
                runs += [{"study": study, "network": n, "seed": seed} for n in counts if seed <= (seeds or counts[n])]
        if framework == "pytorch" and seed <= (seeds or DEFAULTS_SEEDS):
            for network, changes in CHANGES.items():
                runs += [{"study": "defaults", "network": network, "change": c, "seed": seed} for c in changes]
    return runs


def recipe(framework, study):
    """Return a fingerprint of the code that a run depends on; layout, comments and docstrings do not count."""
    functions = ["arrays", "orders", "scores", f"{framework}_{study}"]
    functions += ["pytorch_verdict"] if study == "aligned" else []
    functions += ["pytorch_epoch", "pytorch_logits"] if framework == "pytorch" else []
    functions += ["defaults_network"] if study == "defaults" else ["packed", "verdict"]
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    code = {node.name: canonical(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    covered = [code[name] for name in functions]
    if study == "defaults":
        covered += [ALIGNED, CHANGES, DEFAULTS_EPOCHS]
    else:
        covered += [canonical(ast.parse(cell)) for cell in taught.sources(chapter(framework), "parameters", "model")]
    return hashlib.sha256(json.dumps(covered).encode()).hexdigest()[:16]


def record_path(framework, folder=MODELS):
    """Return where the runs of one framework are recorded."""
    return Path(folder) / f"study_{framework}.json"


def read(framework, folder=MODELS):
    """Return the recorded runs of one framework, an empty list where there is no record."""
    path = record_path(framework, folder)
    return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []


def key(run):
    """Return what tells one run from another."""
    return run["study"], run["network"], run.get("change", ""), run["seed"]


def work(framework, options):
    """Make the missing runs of one framework, one after the other, and record each as it ends."""
    if framework == "keras":
        os.environ["KERAS_BACKEND"] = "tensorflow"
        with quiet_start():
            import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            tf.config.set_visible_devices([], "GPU")
            tf.get_logger().setLevel("ERROR")  # it warns of tracing anew, which a new model a run makes necessary
            tf.constant(0)
        trainings = {"verdict": keras_verdict}
    else:
        import torch

        torch.set_num_threads(1)
        trainings = {"verdict": pytorch_verdict, "aligned": pytorch_aligned, "defaults": pytorch_defaults}
    parts = arrays(options.images)
    recipes = {study: recipe(framework, study) for study in trainings}
    about = {
        "framework": framework,
        "threads": 1,
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES[framework]},
    }
    runs = {key(run): run for run in read(framework, options.folder) if run["recipe"] == recipes[run["study"]]}
    todo = wanted(framework, options.seeds)
    for number, run in enumerate(todo, start=1):
        if key(run) in runs:
            continue
        started = time.perf_counter()
        details = {name: value for name, value in run.items() if name != "study"}
        found = trainings[run["study"]](**details, parts=parts, epochs=options.epochs)
        seconds = round(time.perf_counter() - started, 1)
        runs[key(run)] = run | {"recipe": recipes[run["study"]], "seconds": seconds} | found
        ordered = [runs[name] for name in sorted(runs)]
        with replacing(record_path(framework, options.folder)) as temporary:
            lines = ",\n".join("  " + json.dumps(each) for each in ordered)
            head = json.dumps(about, indent=1)[:-2]
            temporary.write_text(f'{head},\n "runs": [\n{lines}\n ]\n}}\n', encoding="utf-8", newline="\n")
        score = found["test"] if "test" in found else found["validation"][-1]
        what = " ".join(str(part) for part in key(run)[:3] if part)
        label = f"{DISPLAY[framework]:8}{number:4d}/{len(todo)}  {what:34} seed {run['seed']:2d}"
        print(f"{label}  accuracy {score['accuracy']:.4f}  {seconds:6.1f} s", flush=True)


def read_options(arguments=None):
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--framework", choices=FRAMEWORKS, help="only this one (default: both, side by side)")
    parser.add_argument("--seeds", type=int, help="so many seeds of everything")
    parser.add_argument("--images", type=int, help="so few images of each part, for a quick look")
    parser.add_argument("--epochs", type=int, help="so few epochs, for a quick look")
    parser.add_argument("--folder", type=Path, default=MODELS, help="where the records are (default: models)")
    options = parser.parse_args(arguments)
    if (options.images or options.epochs) and options.folder == MODELS:
        # A run of a quick look would be taken for a run of the study.
        parser.error("--images and --epochs need a --folder of their own")
    return options


def main():
    """Work in this process, or let one process for each framework work; return the exit code."""
    options = read_options()
    try:
        if options.framework:
            work(options.framework, options)
            return 0
        command = [sys.executable, str(Path(__file__)), *sys.argv[1:]]
        workers = [subprocess.Popen([*command, "--framework", framework]) for framework in FRAMEWORKS]
        return max(abs(worker.wait()) for worker in workers)  # negative after a signal
    except KeyboardInterrupt:
        print("\nStopped: what had ended is recorded, and the same command goes on from there.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
