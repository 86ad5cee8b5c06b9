"""What may be imported together with what."""

import ast
import subprocess
import sys

import pytest
from conftest import NOTEBOOKS, code_cells, read

PACKAGE = NOTEBOOKS / "fashion"
NEUTRAL = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith(("keras_", "torch_", "__")))


def python(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=NOTEBOOKS, **options)


def test_neutral_modules_import_no_framework():
    code = f"""
import importlib, sys
for name in {NEUTRAL}:
    importlib.import_module("fashion." + name)
print(sorted({{"tensorflow", "keras", "torch", "torchvision"}} & set(sys.modules)))
"""
    done = python(code)
    assert done.stdout.strip() == "[]", done.stderr
    assert len(NEUTRAL) >= 7


def test_the_package_stays_small():
    """The checks of the exercises, which only grow with the exercises, are not counted."""
    modules = [path for path in PACKAGE.glob("*.py") if not path.stem.startswith("check")]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules) < 1000


@pytest.mark.slow
def test_both_frameworks_in_one_process_start_work_and_end():
    """The import cell of the comparison, then what crashed elsewhere: an optimizer of each framework, and the exit."""
    (cell,) = [cell for cell in code_cells(read("keras_vs_pytorch")) if "import triton" in cell.source]
    code = (
        cell.source
        + """
import torchvision
model = nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters(), fused=True)
model(torch.ones(1, 4)).sum().backward()
optimizer.step()
network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
network.compile("adam", "mse")
network.fit(tf.ones((8, 4)), tf.ones((8, 2)), verbose=0)
print("done")
"""
    )
    done = python(code, timeout=300)
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert done.stdout.splitlines()[-1] == "done"


def test_triton_comes_first():
    (cell,) = [cell for cell in code_cells(read("keras_vs_pytorch")) if "import triton" in cell.source]
    nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Import)]
    order = [alias.name for node in sorted(nodes, key=lambda node: node.lineno) for alias in node.names]
    assert order.index("triton") < order.index("tensorflow") < order.index("torch")


@pytest.mark.slow
def test_keras_starts_quietly_but_a_real_error_is_seen():
    start = python("from fashion.quiet import quiet_start\nwith quiet_start():\n    import keras\n")
    assert start.returncode == 0
    assert start.stderr == ""
    broken = python(
        "import os\nfrom fashion.quiet import quiet_start\n"
        "with quiet_start():\n    os.write(2, b'the library says why')\n    raise ImportError('no such thing')\n"
    )
    assert broken.returncode != 0
    assert "the library says why" in broken.stderr and "no such thing" in broken.stderr
