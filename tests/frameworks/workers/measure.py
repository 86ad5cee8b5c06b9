"""What the tools that measure build and train, for test_measure.py."""

import ast
import contextlib
import io
import math
import re
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.helpers import code_cells, read


def answer(framework: str, question: tuple[str, Any]):
    """Answer (name, details): ("networks", None), ("costs", network) and those below."""
    name, details = question
    if name in ("networks", "training"):
        return globals()[f"_{framework}_{name}"]()
    others = {
        "trainings": _trainings, "orders": _orders, "initial_weights": _initial_weights, "costs": _costs,
        "again": _again, "epsilon": _epsilon,
    }  # fmt: skip
    return others[name](framework, details)


def _keras_networks():
    """{network: {"parameters", "layers": {variant: [(kind, its settings)]}, "predictions": {variant: array}}}."""
    import keras

    from tools.measure import chapter_01, tutorial

    chapter, found = chapter_01.from_notebook("keras"), {}
    images = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)
    for name in ("dense", "cnn"):
        networks = {"chapter": chapter.networks[name](), "tutorial": tutorial.keras_network(chapter, name)}
        networks["tutorial"].set_weights(networks["chapter"].get_weights())
        outputs = {variant: network.predict(images, verbose=0) for variant, network in networks.items()}
        outputs["chapter"] = keras.ops.convert_to_numpy(keras.ops.softmax(outputs["chapter"]))
        keys = ("units", "filters", "kernel_size", "pool_size", "rate", "activation")
        layers = {
            variant: [
                (type(layer).__name__, {key: layer.get_config()[key] for key in keys if key in layer.get_config()})
                for layer in network.layers
            ]
            for variant, network in networks.items()
        }
        found[name] = {"parameters": networks["chapter"].count_params(), "layers": layers, "predictions": outputs}
    return found


def _pytorch_networks():
    """The same in PyTorch; each layer is the text that PyTorch prints for it."""
    import torch

    from tools.measure import chapter_01

    chapter, found = chapter_01.from_notebook("pytorch"), {}
    images = torch.rand(8, 1, 28, 28)
    for name in ("dense", "cnn"):
        networks = {
            "chapter": chapter.networks[name](),
            "tutorial": chapter_01.pytorch_stack(chapter, name, pool_first=False),
            "faster": chapter_01.pytorch_stack(chapter, name, pool_first=True),
        }
        for theirs, *ours in zip(*(network.parameters() for network in networks.values()), strict=True):
            for each in ours:
                each.data.copy_(theirs.data)
        with torch.inference_mode():
            outputs = {variant: network.eval()(images).numpy() for variant, network in networks.items()}
        layers = {
            variant: [str(layer) for layer in network.modules() if not list(layer.children())]
            for variant, network in networks.items()
        }
        parameters = sum(parameter.numel() for parameter in networks["chapter"].parameters())
        found[name] = {"parameters": parameters, "layers": layers, "predictions": outputs}
    return found


def _trainings(framework, _):
    """{(network, variant): {"layers", "fused", "threads", "channels_last"} as one epoch of the benchmark has them}.

    "layers" are the kinds of layers in the order in which they compute.
    """
    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    from tools.measure import chapter_01, workers

    torch.set_num_threads(2)  # the tests may run with one
    parts = chapter_01.load_parts("train", count=64)["train"]
    trainings, found = workers.start_pytorch().trainings(*parts), {}
    for training, epoch in trainings.items():
        layers, seen = [], {}

        def note_layer(module, _, layers=layers, seen=seen):
            # torchvision's transforms are modules, too.
            if not list(module.children()) and type(module).__module__.startswith("torch.nn."):
                layers.append(type(module).__name__)
            if isinstance(module, torch.nn.Conv2d):
                last = module.weight.is_contiguous(memory_format=torch.channels_last)
                seen["channels_last"] = last and seen.get("channels_last", True)

        def note_step(optimizer, *_, seen=seen):
            seen |= {"fused": bool(optimizer.defaults["fused"]), "threads": torch.get_num_threads()}

        with register_module_forward_pre_hook(note_layer), register_optimizer_step_pre_hook(note_step):
            epoch()
        found[training] = seen | {"layers": layers}
    return found | {"threads": torch.get_num_threads()}


def _notebook_functions(framework, given, *names):
    """What chapter 01 defines in the cells that define functions with these names; `given` is what these use."""
    for cell in code_cells(read(f"{framework}/01_dense_and_cnn")):
        tree = ast.parse(cell.source)
        if {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} & set(names):
            exec(compile(tree, "chapter 01", "exec"), given)
    return [given[name] for name in names]


def _of_a_small_chapter_01(framework, **settings):
    """What the notebook's training functions use, on 300 images, with other `settings`; and these images and labels."""
    from tools.measure import chapter_01

    chapter = chapter_01.from_notebook(framework)
    x, y = np.random.default_rng(0).random((300, 28, 28), np.float32), np.arange(300) % 10
    x = np.expand_dims(x, {"keras": -1, "pytorch": 1}[framework])
    if framework == "keras":
        import keras

        from fmnist.keras_tools import EpochLine

        given = {"keras": keras, "EpochLine": EpochLine}
    else:
        import torch

        from fmnist.training import History

        x, y = torch.from_numpy(x), torch.from_numpy(y)
        given = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "History": History, "DEVICE": "cpu"}
    given |= {"x_train": x, "y_train": y, "x_validation": x[:20], "y_validation": y[:20]}
    given |= {name.upper(): value for name, value in chapter.settings().items()}
    given |= {"steps_per_epoch": math.ceil(len(x) / chapter.batch_size)} | settings
    return chapter, given, x, y


def _pytorch_training():
    """{network: {"ours" | "notebook": (losses of all epochs, settings of Adam)}} from the same weights and seed."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    from tools.measure import chapter_01

    chapter, given, x, y = _of_a_small_chapter_01("pytorch")
    found = {}
    names = ("train_one_epoch", "predict_logits", "evaluate", "train")
    *_, train = _notebook_functions("pytorch", given, *names)
    for name in ("dense", "cnn"):
        theirs, ours = (chapter.networks[name]().to(memory_format=torch.channels_last) for _ in range(2))
        ours.load_state_dict(theirs.state_dict())
        optimizers = []  # that of every step
        with register_optimizer_step_pre_hook(lambda optimizer, *_, to=optimizers: to.append(optimizer)):
            torch.manual_seed(1)
            with contextlib.redirect_stdout(io.StringIO()):
                history = train(theirs)
            steps = len(optimizers)
            torch.manual_seed(1)
            epoch = chapter_01.pytorch_training(chapter, ours, x, y)
            losses = [epoch()[1] for _ in range(chapter.epochs)]
        assert len(optimizers) == 2 * steps == 2 * chapter.steps(len(x))
        found[name] = {
            "notebook": (history.curves["loss"], optimizers[0].defaults),
            "ours": (losses, optimizers[-1].defaults),
        }
    return found


def _keras_training():
    """{network: {"ours" | "notebook": what the network is compiled with, and what `fit` is told}}."""
    import keras

    from tools.measure import chapter_01

    chapter, given, x, y = _of_a_small_chapter_01("keras", EPOCHS=2)
    found = {}
    (train,) = _notebook_functions("keras", given, "train")

    def ours(model):
        chapter_01.keras_compile(model, 2 * math.ceil(len(x) / chapter.batch_size), chapter.learning_rate)
        chapter_01.keras_training(model, x, y, chapter.batch_size)()

    def notebook(model):
        with contextlib.redirect_stdout(io.StringIO()):
            train(model)

    def described(model, told):
        optimizer = model.optimizer.get_config() | {"name": None}  # it is numbered
        schedule = keras.saving.serialize_keras_object(optimizer.pop("learning_rate"))
        loss = (type(model.loss).__name__, model.loss.get_config())
        rest = {"steps_per_execution": model.steps_per_execution, "metrics": model.get_compile_config()["metrics"]}
        fit = {name: told.get(name) for name in ("batch_size", "shuffle", "class_weight", "sample_weight")}
        kind = type(model.optimizer).__name__
        return {"optimizer": (kind, optimizer), "schedule": schedule, "loss": loss, "fit": fit} | rest

    for name in ("dense", "cnn"):
        found[name] = {}
        for way in (ours, notebook):
            model = chapter.networks[name]()
            with patch.object(keras.Sequential, "fit", autospec=True, side_effect=keras.Sequential.fit) as fit:
                way(model)
            found[name][way.__name__] = described(model, fit.call_args.kwargs)
    return found


def _again(framework, _):
    """{network: the losses of two runs, one after the other, of the cell of chapter 01 that builds and trains it}."""
    from fmnist import taught
    from tools.measure import chapter_01

    _, given, _, _ = _of_a_small_chapter_01(framework, SEED=1, EPOCHS=2, dense_by_hand=109_386, cnn_by_hand=225_034)
    given |= taught.run_tagged_cells(chapter_01.notebook(framework), "model", **given)
    needed = {"keras": ["train"], "pytorch": ["train_one_epoch", "predict_logits", "train", "count_parameters"]}
    _notebook_functions(framework, given, *needed[framework])
    found = {}
    for cell in code_cells(read(chapter_01.notebook(framework))):
        for name in re.findall(r"^(\w+)_history = train\(", cell.source, flags=re.M):
            found[name] = []
            for _ in range(2):
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(cell.source, "chapter 01", "exec"), given)
                found[name].append(given[f"{name}_history"].curves["val_loss"])
    return found


def _orders(framework, _):
    """The CNN's weights after ten steps from one seed on real images, with ReLU before pooling and behind it."""
    import torch

    from tools.measure import chapter_01

    chapter, (images, labels, _) = chapter_01.from_notebook("pytorch"), chapter_01.load_parts("train")["train"]
    x = torch.from_numpy(chapter_01.scaled(images[:640])).unsqueeze(1)
    y = torch.from_numpy(labels[:640].astype(np.int64))
    found = []
    for pool_first in (False, True):
        torch.manual_seed(3)
        network = chapter_01.pytorch_stack(chapter, "cnn", pool_first).to(memory_format=torch.channels_last)
        optimizer, schedule = chapter_01.pytorch_optimizer(network, 10, chapter.learning_rate)
        for _ in range(2):
            chapter_01.pytorch_epoch(network, optimizer, schedule, x, y, torch.arange(640).split(128))
        found.append([weights.detach().numpy() for weights in network.parameters()])
    return found


def _initial_weights(framework, _):
    """[(largest weight of the first layer, its largest bias)] as Keras draws them, and as PyTorch does."""
    from tools.measure import study_defaults, study_plan

    found = []
    for weights, bias in (("glorot", "zero"), ("kaiming", "uniform")):
        settings = study_plan.KERAS | study_plan.KERAS_NORM | {"weights": weights, "bias": bias}
        layer = study_defaults.network("batch_norm", 1, settings)[1]
        found.append((layer.weight.abs().max().item(), layer.bias.abs().max().item()))
    return found


def _epsilon(framework, _):
    """[parameters] after steps of Adam with epsilon as in Keras: by the study's hook, and by `torch_aligned`."""
    import torch
    from torch import nn

    from fmnist import torch_aligned
    from tools.measure import study_matched

    found = []
    for of_the_study in (True, False):
        parameters = nn.Parameter(torch.zeros(50, dtype=torch.float64))
        optimizer = torch.optim.Adam([parameters], lr=0.001, eps=1e-8 if of_the_study else 1e-7)
        if of_the_study:
            optimizer.register_step_pre_hook(study_matched.epsilon_of_keras)
        else:
            torch_aligned.place_epsilon_like_keras(optimizer)
        for step in range(20):
            parameters.grad = torch.linspace(1e-8, 1e-6, 50, dtype=torch.float64) * (step + 1)
            optimizer.step()
        found.append(parameters.detach().numpy().copy())
    return found


def _costs(framework, network):
    """What a process of costs.py measures on 384 images, here in a process that has its framework already."""
    from tools.measure import costs_process

    measure = {"keras": costs_process.keras_costs, "pytorch": costs_process.pytorch_costs}[framework]
    # TensorFlow lets nobody hide a graphics card once it has started.
    hide = patch("tensorflow.config.set_visible_devices") if framework == "keras" else contextlib.nullcontext()
    with hide:
        return measure(network, 384, costs_process.QUICK_CALLS)
