"""How fast does this machine train, the way most tutorials do it and the way chapter 01 does it?

    python tools/benchmark.py [--rounds N] [--images N] [--output PATH | --no-record]

Both networks are trained in both frameworks and both ways on the 54,000 training images, on the CPU. The timings of a
machine drift, so the eight trainings take turns, an epoch each, and only one runs at a time. Each framework has a
process of its own, since TensorFlow and PyTorch do not share one well; the two speak to this one in lines of JSON.

The first epoch of a training contains what happens once (tracing, memory, caches); the later ones are its steady
state, and their median is what is compared. Beside them stands the floor: the seconds an epoch would take if nothing
but its multiplications and additions cost time, at the rate at which this machine multiplies large float32 matrices.
The result is printed and written to `models/benchmark.json`.
"""

import contextlib
import faulthandler
import json
import math
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from importlib.metadata import version
from pathlib import Path

import measuring
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
# The package is found without being installed, as the notebooks find it.
sys.path.insert(0, str(ROOT / "notebooks"))

from fashion import data  # noqa: E402
from fashion.paths import DATA, MODELS  # noqa: E402
from fashion.quiet import quiet_start  # noqa: E402
from fashion.records import DISPLAY, PACKAGES, replacing  # noqa: E402

VARIANTS = ("tutorial", "chapter")
# How many times faster than the tutorials chapter 01 is meant to be on two CPU cores.
TARGETS = {("pytorch", "dense"): 8, ("pytorch", "cnn"): 2.5, ("keras", "dense"): 1.5, ("keras", "cnn"): 1.2}
BATCH = 128
# Six rounds, the first one included, take about ten minutes on two cores.
ROUNDS = 5
MATRIX = 2048  # rows and columns: large enough that starting the product costs nothing beside it
PRODUCTS = 5  # products timed by each framework in each round
STEPS_PER_EXECUTION = 200  # batches that Keras trains on before Python takes over again


def dense_flops():
    """Return the floating-point operations of one image in one training step of 784-128-64-10: 454,400.

    A weight costs one multiplication and one addition an image in the forward pass, and as many again for its own
    gradient. The gradient of a layer's input costs the same once more, but nobody asks for that of the pixels, so the
    first layer is spared it. Biases, ReLU and Adam are left out: they are thousands, not hundreds of thousands.
    """
    first, second, third = 784 * 128, 128 * 64, 64 * 10
    forward = 2 * (first + second + third)
    weight_gradients = forward
    input_gradients = 2 * (second + third)
    return forward + weight_gradients + input_gradients


def cnn_flops():
    """Return the floating-point operations of one image in one training step of the CNN: 15,396,864.

    Counted as in `dense_flops`: a filter's weights are used once for every pixel of its output, 26x26 after the first
    3x3 convolution (no padding), 11x11 after pooling and the second one; 5x5x64 = 1,600 numbers are left.
    """
    conv1 = 2 * (26 * 26 * 32) * (3 * 3 * 1)
    conv2 = 2 * (11 * 11 * 64) * (3 * 3 * 32)
    dense1, dense2 = 2 * 1600 * 128, 2 * 128 * 10
    forward = conv1 + conv2 + dense1 + dense2
    weight_gradients = forward
    input_gradients = forward - conv1
    return forward + weight_gradients + input_gradients


FLOPS = {"dense": dense_flops, "cnn": cnn_flops}


def training_images(count):
    """Return the first `count` training images (uint8, N x 28 x 28), their labels (N) and their places in the file."""
    (images, labels), _ = data.load()
    chosen = data.split(labels)[0][:count]
    return images[chosen], labels[chosen], chosen


def gflops(multiply):
    """Return the rate, in 10^9 operations a second, of `multiply`, which makes one product of MATRIX x MATRIX."""
    multiply()
    seconds = []
    for _ in range(PRODUCTS):
        start = time.perf_counter()
        multiply()
        seconds.append(time.perf_counter() - start)
    return 2 * MATRIX**3 / min(seconds) / 1e9


def scheduled_steps(images):
    """Return the number of steps over which chapter 01 lets the learning rate fall: 20 epochs."""
    return 20 * math.ceil(images / BATCH)


def pytorch_network(name, variant):
    """Build one of the networks; input N x 1 x 28 x 28, output N x 10 logits."""
    from torch import nn

    if name == "dense":
        layers = [nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)]
        return nn.Sequential(*layers)
    # The largest of four numbers is the same before and after ReLU; pooled first, ReLU has a quarter of the work.
    after = (nn.MaxPool2d(2), nn.ReLU()) if variant == "chapter" else (nn.ReLU(), nn.MaxPool2d(2))
    head = (nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    return nn.Sequential(nn.Conv2d(1, 32, 3), *after, nn.Conv2d(32, 64, 3), *after, *head)


def pytorch_loader(chosen):
    """Return the usual DataLoader: every image becomes a picture, then a tensor, each time it is asked for."""
    from torch.utils.data import DataLoader, Subset
    from torchvision import transforms
    from torchvision.datasets import FashionMNIST

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    # torchvision unpacks the files beside the packed ones: in a copy, so that `data/` stays as it is. It keeps the
    # images in memory, and the copy may go at once.
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(DATA / "FashionMNIST" / "raw", Path(folder, "FashionMNIST", "raw"))
        dataset = FashionMNIST(folder, train=True, download=True, transform=transform)
    return DataLoader(Subset(dataset, chosen.tolist()), batch_size=64, shuffle=True)


def pytorch_tutorial(network, loader):
    """Return the epoch that most tutorials write; it returns its seconds and its mean loss."""
    import torch

    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters())

    def epoch():
        start = time.perf_counter()
        network.train()
        running_loss = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(network(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        return time.perf_counter() - start, running_loss / len(loader)

    return epoch


def pytorch_chapter(network, images, labels):
    """Return the epoch of chapter 01: images in memory, batches by index, fused Adam, schedule, channels last."""
    import torch

    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=scheduled_steps(len(images)))

    def epoch():
        start = time.perf_counter()
        network.train()
        loss_sum = correct = 0
        for rows in torch.randperm(len(images)).split(BATCH):
            x, y = images[rows], labels[rows]
            logits = network(x)
            loss = torch.nn.functional.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.detach() * len(rows)
            # Chapter 01 draws the accuracy too: counting the right answers is part of its epoch.
            correct += (logits.argmax(dim=1) == y).sum()
        mean_loss, _ = float(loss_sum / len(images)), float(correct / len(images))
        return time.perf_counter() - start, mean_loss

    return epoch


def pytorch_worker():
    """Start PyTorch; return what `serve` asks for: a description, a matrix product, and the trainings."""
    import torch

    torch.manual_seed(42)
    networks = {name: pytorch_network(name, "chapter") for name in FLOPS}
    about = {
        "threads": torch.get_num_threads(),
        "parameters": {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()},
    }
    a, b = torch.rand(2, MATRIX, MATRIX)

    def trainings(images, labels, chosen):
        loader = pytorch_loader(chosen)
        images = torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1)
        labels = torch.from_numpy(labels.astype(np.int64))
        tutorials = {(name, "tutorial"): pytorch_tutorial(pytorch_network(name, "tutorial"), loader) for name in FLOPS}
        chapters = {(name, "chapter"): pytorch_chapter(network, images, labels) for name, network in networks.items()}
        return tutorials | chapters

    return about, lambda: a @ b, trainings


def keras_network(name, variant, images=54_000):
    """Build and compile one of the networks; input N x 28 x 28 (dense) or N x 28 x 28 x 1 (CNN), output N x 10."""
    import keras
    from keras import layers

    output = layers.Dense(10, activation="softmax" if variant == "tutorial" else None)
    if name == "dense":
        stack = [keras.Input((28, 28)), layers.Flatten()]
        stack += [layers.Dense(128, activation="relu"), layers.Dense(64, activation="relu"), output]
    else:
        stack = [keras.Input((28, 28, 1))]
        for filters in (32, 64):
            stack += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
        stack += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.5), output]
    model = keras.Sequential(stack)
    if variant == "tutorial":
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.001, scheduled_steps(images)))
        model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], steps_per_execution=STEPS_PER_EXECUTION)
    return model


def keras_training(model, images, labels):
    """Return the epoch, a `fit` of one epoch so that it can take turns; it returns its seconds and its mean loss.

    What `fit` does before its first epoch would not be repeated in a longer one: it belongs to the first epoch
    (tracing, compilation, copying the arrays into the graph), and the later ones are timed from their own beginning.
    """
    import keras

    def epoch():
        first = int(model.optimizer.iterations) == 0
        marks = [time.perf_counter()]
        clock = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: marks.append(time.perf_counter()),
            on_epoch_end=lambda *_: marks.append(time.perf_counter()),
        )
        history = model.fit(images, labels, batch_size=BATCH, epochs=1, verbose=0, callbacks=[clock])
        return marks[2] - marks[0 if first else 1], history.history["loss"][0]

    return epoch


def keras_worker():
    """Start Keras on TensorFlow; return the same as `pytorch_worker`."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    # For what TensorFlow logs later: 2 leaves out information and warnings, and keeps errors.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    with quiet_start():
        import keras
        import tensorflow as tf

        tf.zeros(1)  # the devices are looked for, and reported, when the first tensor is made
    keras.utils.set_random_seed(42)
    about = {
        "threads": tf.config.threading.get_intra_op_parallelism_threads() or usable_cpus(),
        "parameters": {name: keras_network(name, "chapter").count_params() for name in FLOPS},
    }
    a, b = tf.unstack(tf.random.uniform((2, MATRIX, MATRIX)))

    def trainings(images, labels, _):
        inputs = {"tutorial": images / 255.0, "chapter": images.astype(np.float32) / 255}
        shapes = {"dense": (-1, 28, 28), "cnn": (-1, 28, 28, 1)}
        return {
            (name, variant): keras_training(
                keras_network(name, variant, len(images)), scaled.reshape(shapes[name]), labels
            )
            for name in FLOPS
            for variant, scaled in inputs.items()
        }

    return about, lambda: tf.matmul(a, b).numpy(), trainings


WORKERS = {"pytorch": pytorch_worker, "keras": keras_worker}


def serve(framework, count):
    """Be a worker: answer the requests that come in on standard input, a line of JSON each, until it is closed."""
    # Ctrl-C reaches every process of the terminal; the one that asks ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A framework that prints must not disturb the answers: what is printed goes to standard error.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # A crash inside compiled code is reported even while standard error is held back.
    faulthandler.enable(os.fdopen(os.dup(2), "w"))

    def reply(**answer):
        print(json.dumps(answer), file=answers, flush=True)

    try:
        (about, multiply, trainings), epochs = WORKERS[framework](), {}
        for line in sys.stdin:
            request = json.loads(line)
            if request["do"] == "describe":
                reply(**about, versions={name: version(name) for name in PACKAGES[framework]})
            elif request["do"] == "prepare":
                images, labels, chosen = training_images(count)
                epochs = trainings(images, labels, chosen)
                reply(images=len(images))
            elif request["do"] == "multiply":
                reply(gflops=gflops(multiply))
            else:
                seconds, loss = epochs[request["network"], request["variant"]]()
                reply(seconds=seconds, loss=loss)
    except Exception:
        reply(error=traceback.format_exc())


class WorkerError(RuntimeError):
    """A worker failed; the text holds its traceback, or says how it ended."""


class Worker(contextlib.AbstractContextManager):
    """The process of one framework, seen from the one that asks. Used in a `with` block, at whose end it is gone.

    `framework` is "pytorch" or "keras"; `count` is the number of training images, None for all.
    """

    def __init__(self, framework, count=None):
        self.framework = framework
        command = [sys.executable, __file__, "--worker", framework]
        command += [] if count is None else ["--images", str(count)]
        # Threads that wait must sleep, or they take the cores from the training whose turn it is. The comparison and
        # its floor are about the processor, so that a GPU is hidden.
        environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8"
        )

    def __exit__(self, *_):
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.communicate()

    def ask(self, do, **details):
        """Send a request, wait for its answer and return it as a dictionary; raise WorkerError if it failed."""
        try:
            print(json.dumps({"do": do} | details), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"The {DISPLAY[self.framework]} process ended with exit code {self.process.wait()}.")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"The {DISPLAY[self.framework]} process failed:\n\n{answer['error']}")
        return answer


def measure(workers, rounds):
    """Let the trainings take turns, 1 + `rounds` epochs each.

    Returns {(framework, network, variant): list of {"seconds", "loss"}} and {framework: best GFLOP/s}.
    """
    answers = {(f, n, v): [] for n in FLOPS for v in VARIANTS for f in workers}
    rates = dict.fromkeys(workers, 0.0)
    for number in range(rounds + 1):
        print("First epochs" if number == 0 else f"Round {number} of {rounds}", flush=True)
        for framework, worker in workers.items():
            rates[framework] = max(rates[framework], worker.ask("multiply")["gflops"])
            print(f"  {DISPLAY[framework]:8}matrix products: at best {rates[framework]:.0f} GFLOP/s so far", flush=True)
        for (framework, network, variant), done in answers.items():
            done.append(workers[framework].ask("epoch", network=network, variant=variant))
            label = f"{DISPLAY[framework]:8}{DISPLAY[network]:6}{variant:9}"
            print(f"  {label}{done[-1]['seconds']:8.2f} s   loss {done[-1]['loss']:.3f}", flush=True)
    return answers, rates


def summarise(answers, rates, parameters, images):
    """Return the rows of the table, a dictionary for each framework and network; times in seconds per epoch."""
    rows = []
    for (framework, network), target in TARGETS.items():
        row = {"framework": framework, "network": network, "parameters": parameters[framework][network]}
        for variant in VARIANTS:
            epochs = answers[framework, network, variant]
            first, *steady = [round(epoch["seconds"], 4) for epoch in epochs]
            middle = statistics.median(steady)
            times = {"first": first, "median": middle, "min": min(steady), "max": max(steady), "epochs": steady}
            row[variant] = times | {"losses": [round(epoch["loss"], 4) for epoch in epochs]}
        flops = FLOPS[network]()
        floor = flops * images / (max(rates.values()) * 1e9)
        times_faster = row["tutorial"]["median"] / row["chapter"]["median"]
        row |= {"times_faster": times_faster, "target": target, "reached": times_faster >= target}
        row |= {"flops_per_image": flops, "floor_seconds": floor}
        row |= {f"{variant}_times_floor": row[variant]["median"] / floor for variant in VARIANTS}
        rows.append(row)
    return rows


def table(rows):
    """Return the rows as plain text: seconds per epoch, the median and in brackets the range."""
    lines = [["", "", "tutorial, s", "chapter 01, s", "faster", "target", "first, s", "floor, s", "times the floor"]]
    for row in rows:
        old, new = row["tutorial"], row["chapter"]
        line = [DISPLAY[row["framework"]], DISPLAY[row["network"]]]
        line += [f"{times['median']:.2f} ({times['min']:.2f}-{times['max']:.2f})" for times in (old, new)]
        line += [f"{row['times_faster']:.1f}x", f"{row['target']:g}x {'reached' if row['reached'] else 'missed'}"]
        line += [f"{old['first']:.2f}, {new['first']:.2f}", f"{row['floor_seconds']:.3f}"]
        line += [f"{row['tutorial_times_floor']:.1f}, {row['chapter_times_floor']:.1f}"]
        lines.append(line)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def usable_cpus():
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_model():
    """Return the processor's name where it is cheap to know, else what kind it is."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def run(options):
    """Measure, print the table and write the record."""
    with Worker("pytorch", options.images) as pytorch, Worker("keras", options.images) as keras:
        workers = {"pytorch": pytorch, "keras": keras}
        about = {framework: worker.ask("describe") for framework, worker in workers.items()}
        images, _ = (worker.ask("prepare")["images"] for worker in workers.values())
        answers, rates = measure(workers, options.rounds)
    machine = {
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpu_count": os.cpu_count(),
        "threads": {framework: known["threads"] for framework, known in about.items()},
    }
    record = {
        "machine": machine,
        "versions": {"python": platform.python_version()} | about["pytorch"]["versions"] | about["keras"]["versions"],
        "matmul_gflops": rates,
        "images": images,
        "rounds": options.rounds,
        "targets": [{"framework": f, "network": n, "times_faster": target} for (f, n), target in TARGETS.items()],
        "rows": summarise(answers, rates, {name: known["parameters"] for name, known in about.items()}, images),
    }
    print(f"\nSeconds per epoch of {images:,} images; median (range) of {options.rounds} after the first; the floor is")
    print(f"set by {max(rates.values()):.0f} GFLOP/s in float32 matrix products. Pairs: tutorial, chapter 01.\n")
    print(table(record["rows"]))
    if options.output:
        with replacing(options.output) as temporary:
            temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        print(f"\nWritten: {options.output}")


def read_options(arguments=None):
    """Return the options of the command line; `output` is None where nothing is to be recorded."""
    helps = (
        "epochs of each training after the first one",
        "train on fewer images, for a quick look (default: all 54,000)",
    )
    return measuring.read_options(arguments, __doc__, MODELS / "benchmark.json", ROUNDS, helps, choices=WORKERS)


def main():
    """Be the process that asks, or one that answers; return the exit code."""
    options = read_options()
    if options.worker:
        return measuring.exit_code(lambda: serve(options.worker, options.images), WorkerError)
    return measuring.exit_code(lambda: run(options), WorkerError)


if __name__ == "__main__":
    sys.exit(main())
