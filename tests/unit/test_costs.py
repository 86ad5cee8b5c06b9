"""The costs: what is counted, what is recorded, and what is said when a process fails."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import metadata

import pytest

from fmnist.chapters import FRAMEWORKS
from fmnist.paths import MODELS
from tests.helpers import ROOT, run_python
from tools.measure import common, costs, installed

PAIRS = {(framework, network) for framework in FRAMEWORKS for network in common.NETWORKS}


def plant(folder, name, code):
    """Make a package that is found before the installed one of this name; return the environment that finds it."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


def process(framework, slower=0.0):
    """What a process of this framework could have measured."""
    times = {"p10": 1 + slower, "median": 2 + slower, "p90": 4 + slower}
    return {
        "import_seconds": 3.00049 + slower,
        "first_epoch_seconds": 5 + slower,
        "start_to_first_epoch_seconds": 8.00049 + 2 * slower,
        "epoch_seconds": [1 + slower, 2 + slower],
        "memory_after_import_mb": 400.04,
        "peak_memory_mb": 1234.56 + slower,
        "latency_ms": {way: {"1": times, "1000": times} for way in costs.WAYS[framework]},
        "ways_of_training": {"eager": 3 + slower, "compiled": 2 + slower},
        "threads": 2,
        "images": 54_000,
    }


def test_the_summary_keeps_every_value_and_its_middle():
    answers = {pair: [process(pair[0], slower) for slower in (10, 0, 0.5)] for pair in PAIRS}
    rows = costs.summarise(answers)
    assert {(row["framework"], row["network"]) for row in rows} == PAIRS
    for row in rows:
        assert row["import_seconds"] == {"median": 3.5, "min": 3.0, "max": 13.0, "values": [13.0, 3.0, 3.5]}
        assert row["start_to_first_epoch_seconds"]["median"] == 9.0
        assert row["epoch_seconds"] == {"median": 2.25, "min": 1.0, "max": 12.0, "values": [11, 12, 1, 2, 1.5, 2.5]}
        assert row["memory_after_import_mb"]["median"] == 400.0
        assert row["peak_memory_mb"]["values"] == [1244.6, 1234.6, 1235.1]
        assert row["ways_of_training"]["eager"] == {"median": 3.5, "min": 3, "max": 13, "values": [13, 3, 3.5]}
        assert set(row["latency_ms"]) == set(costs.WAYS[row["framework"]])
        for way in row["latency_ms"].values():
            assert way["1"] == way["1000"]
            assert way["1"] == {
                "median": 2.5, "min": 2, "max": 12, "values": [12, 2, 2.5], "p10": [11, 1, 1.5], "p90": [14, 4, 4.5],
            }  # fmt: skip
    assert json.loads(json.dumps(rows)) == rows


def test_what_one_process_could_not_compile_is_left_out():
    found = process("pytorch")
    found["latency_ms"] = {"call": found["latency_ms"]["call"]}
    del found["ways_of_training"]["compiled"]
    (row,) = costs.summarise({("pytorch", "cnn"): [process("pytorch"), found]})
    assert set(row["latency_ms"]) == {"call"} and set(row["ways_of_training"]) == {"eager"}


def test_the_table_shows_a_line_for_each_quantity():
    rows = costs.summarise({pair: [process(pair[0])] for pair in sorted(PAIRS)})
    head, *lines = costs.table(rows).splitlines()
    assert head.split() == ["Keras", "CNN", "Keras", "dense", "PyTorch", "CNN", "PyTorch", "dense"]
    assert len(lines) == 6 + 2 + 2 * 3
    assert [line.count("(") for line in lines] == [4] * 8 + [2, 4, 4] * 2
    assert lines[3].startswith("epoch, s  ") and "1.50 (1.00-2.00)" in lines[3]
    assert lines[-1].startswith("1,000 images, function, ms  ")


def test_a_quick_look_does_not_replace_the_published_record(tmp_path):
    published = MODELS / "costs.json"
    assert costs.read_options([]).output == published
    assert costs.read_options([]).rounds == costs.ROUNDS
    assert costs.read_options(["--rounds", "2"]).output == published
    assert costs.read_options(["--images", "64"]).output is None
    assert costs.read_options(["--no-record"]).output is None
    assert costs.read_options(["--images", "64", "--output", str(tmp_path)]).output == tmp_path


@pytest.mark.parametrize("option", ["--rounds", "--images"])
def test_there_is_no_round_and_no_training_of_nothing(option, capsys):
    with pytest.raises(SystemExit):
        costs.read_options([option, "0"])
    assert "must be at least 1" in capsys.readouterr().err


def test_nothing_that_keras_imports_is_there_before_its_import_is_timed():
    code = "import sys; import tools.measure.costs; print(sorted({'pandas', 'scipy', 'sklearn'} & set(sys.modules)))"
    done = run_python("-c", code, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_frameworks_on_disk_share_nothing():
    own = installed.own_packages()
    assert not own["keras"] & own["pytorch"]
    assert own["keras"] >= {"tensorflow", "keras"} and own["pytorch"] >= {"torch", "torchvision"}
    # Both need NumPy; pandas needs it too, and Matplotlib needs Pillow, as torchvision does.
    assert not {"numpy", "pillow"} & (own["keras"] | own["pytorch"])
    for known in installed.sizes().values():
        assert len(known["largest"]) == 5
        assert min(known["largest"].values()) > 0
        assert 100 < sum(known["largest"].values()) <= known["total_mb"] + 0.5
        assert 0 <= known["cuda_mb"] < known["total_mb"]


def test_an_extra_counts_only_where_it_is_asked_for(monkeypatch):
    required = {
        "wheel": ["spoke[steel]>=1; python_version > '3'", "Absent", "snow; sys_platform == 'no such thing'"],
        "spoke": ["iron; extra == 'steel'", "copper; extra == 'brass'", "wheel"],
        "iron": [],
        "copper": [],
        "snow": [],
    }

    def requires(name):
        if name not in required:
            raise metadata.PackageNotFoundError(name)
        return required[name] or None

    monkeypatch.setattr(metadata, "requires", requires)
    assert installed.with_requirements(["wheel"]) == {"wheel", "spoke", "iron"}


def test_each_framework_goes_first_in_every_other_round(monkeypatch, capsys):
    started = []

    def measured(framework, network, count):
        started.append((framework, network, count))
        return process(framework)

    monkeypatch.setattr(costs, "measured", measured)
    monkeypatch.setattr(installed, "sizes", dict)
    assert costs.main(["--rounds", "2", "--no-record"]) == 0
    first = [("keras", "dense"), ("pytorch", "dense"), ("keras", "cnn"), ("pytorch", "cnn")]
    second = [("pytorch", "dense"), ("keras", "dense"), ("pytorch", "cnn"), ("keras", "cnn")]
    assert started == [(*pair, None) for pair in first + second]
    assert "54,000 training images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("framework", "package", "planted", "said"),
    [
        ("keras", "keras", "print('noise')\nraise RuntimeError('a planted failure')", "a planted failure"),
        ("pytorch", "torch", "import os; os._exit(7)", "exit code 7"),
        ("pytorch", "torch", "import os; os._exit(0)", "exit code 0"),
    ],
    ids=["exception", "exit", "silence"],
)
def test_a_process_that_fails_is_named(tmp_path, monkeypatch, framework, package, planted, said):
    monkeypatch.setenv("PYTHONPATH", plant(tmp_path, package, planted)["PYTHONPATH"])
    with pytest.raises(costs.ProcessError) as caught:
        costs.measured(framework, "cnn", 64)
    assert said in str(caught.value)
    assert {"keras": "Keras CNN", "pytorch": "PyTorch CNN"}[framework] in str(caught.value)


def test_after_a_failure_nothing_is_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PYTHONPATH", plant(tmp_path, "keras", "raise RuntimeError('a planted failure')")["PYTHONPATH"])
    monkeypatch.setattr(installed, "sizes", dict)
    output = tmp_path / "costs.json"
    assert costs.main(["--images", "64", "--rounds", "1", "--output", str(output)]) == 1
    printed = capsys.readouterr()
    assert "Keras dense" in printed.err and "a planted failure" in printed.err
    assert not output.exists()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent to a process in another way there")
def test_ctrl_c_ends_the_process_that_measures(tmp_path):
    born = tmp_path / "born"
    # It takes no notice of Ctrl-C itself, as compiled code does not.
    code = "import os, signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    code += f"open({str(born)!r}, 'w').write(str(os.getpid()))\nos.rename({str(born)!r}, {str(born)!r} + '.whole')\n"
    environment = os.environ | plant(tmp_path, "keras", code + "time.sleep(60)\n")
    environment["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
    output = tmp_path / "costs.json"
    command = [sys.executable, "-m", "tools.measure.costs", "--images", "64", "--output", output]
    options = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    with subprocess.Popen(command, **options, start_new_session=True) as tool:
        whole = tmp_path / "born.whole"
        waited_until = time.monotonic() + 60
        while not whole.exists() and tool.poll() is None and time.monotonic() < waited_until:
            time.sleep(0.05)
        os.killpg(tool.pid, signal.SIGINT)
        _, said = tool.communicate(timeout=60)
    assert tool.returncode == 130
    assert said.strip() == "Interrupted: nothing was recorded."
    with pytest.raises(ProcessLookupError):
        os.kill(int(whole.read_text()), 0)
    assert not output.exists()
