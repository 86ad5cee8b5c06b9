"""Runs a notebook from top to bottom in a kernel of its own, and writes it back when its whole run has finished."""

import ast
import os
import re
import signal
import tempfile
import textwrap
from pathlib import Path
from threading import Event, Thread

import nbformat
import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import ensure_event_loop, run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from fmnist.files import atomic_write
from tools import observe, runs


class RunError(Exception):
    """A run that did not finish; the message is for the person who started it."""


def execute(source, target, *, parameters=None, cwd=None, on_progress=None):
    """Run the notebook `source`, write the result to `target` if nothing went wrong, and return it.

    `parameters` are assigned in a cell of their own after the one tagged "parameters". The working directory is the
    notebook's folder unless `cwd` names another. `on_progress(cell, cells, megabytes)` is called a few times a second,
    and once at the end, with the number of the running code cell and the kernel's peak memory. Raises RunError.
    """
    source, target = Path(source).resolve(), Path(target).resolve()
    original = source.read_bytes()
    notebook = nbformat.reads(original.decode(), as_version=4)
    if parameters:
        _inject(notebook, parameters)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for number, cell in enumerate(cells, start=1):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            raise RunError(f"{_where(number, cells)}\n  SyntaxError: {error.msg} (line {error.lineno})") from None
    root = _package_parent(source).parent
    code = runs.code_of(notebook, root)

    log = _run(notebook, cells, source, cwd or source.parent, on_progress or (lambda *progress: None))

    # A run takes minutes, in which the notebook can be saved from an editor, or the package be changed.
    if runs.code_of(notebook, root) != code:
        raise RunError("the code in notebooks/fmnist changed during the run: run it again")
    if source == target and source.read_bytes() != original:
        raise RunError("the notebook was edited during the run, and the edit is kept: run it again")
    _tidy(notebook, cells)
    notebook.metadata["run"] = runs.bind(notebook, root, code, log)
    with atomic_write(target) as temporary:
        temporary.write_bytes((nbformat.writes(notebook).rstrip("\n") + "\n").encode())
    return notebook


def _inject(notebook, parameters):
    """Insert a cell that assigns `parameters` after the cell tagged "parameters", which must know their names."""
    tagged = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise RunError(f'one cell must have the tag "parameters"; {len(tagged)} have it')
    tree = ast.parse(notebook.cells[tagged[0]].source)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    if unknown := sorted(set(parameters) - names):
        raise RunError(f"the parameters cell does not set {', '.join(unknown)}; it sets {', '.join(sorted(names))}")
    lines = [f"{name} = {value!r}" for name, value in parameters.items()]
    cell = nbformat.v4.new_code_cell("\n".join(lines), id="injected", metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(tagged[0] + 1, cell)


def _run(notebook, cells, source, cwd, on_progress):
    """Execute `cells` of `notebook` in a fresh kernel and return what it read, wrote and imported.

    Raises RunError at the first error, or at the end if something was written to standard error.
    """
    # No directories: the kernel is then this very interpreter, whatever kernels the user has installed.
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=None,
        record_timing=False,
        shutdown_kernel="immediate",
        # Recent kernels warn that they talk without encryption, which does not leave this machine.
        extra_arguments=["--log-level=ERROR"],
    )
    # What nbclient would log on the screen is in the RunError.
    client.log.disabled = True
    number = 0
    with tempfile.TemporaryDirectory() as scratch, _Watch(manager, len(cells), on_progress) as watch:
        log = _observed(Path(scratch), _package_parent(source).parent)
        try:
            with client.setup_kernel(env=_environment(source, scratch), cwd=str(cwd), cleanup_kc=True):
                for number, cell in enumerate(cells, start=1):
                    watch.cell = number
                    client.execute_cell(cell, notebook.cells.index(cell), execution_count=number)
        except CellExecutionError as error:
            trace = [line for output in cell.outputs for line in output.get("traceback", [])]
            tail = _indented("\n".join("\n".join(trace).splitlines()[-12:]))
            raise RunError(f"{_where(number, cells)}\n  {error.ename}: {error.evalue}\n\n{tail}") from None
        except DeadKernelError:
            raise RunError(f"{_where(number, cells)}\n  {_cause_of_death(manager)}") from None
        except RuntimeError as error:
            raise RunError(f"its kernel did not start: {error}") from None
        except KeyboardInterrupt:
            # The cell's unfinished task would complain about the kernel that is stopped here.
            ensure_event_loop().set_exception_handler(lambda loop, context: None)
            raise KeyboardInterrupt(_where(number, cells) if number else "") from None
        finally:
            # Ctrl-C may come while the kernel is starting, before nbclient feels responsible for it.
            if manager.has_kernel:
                run_sync(manager.shutdown_kernel)(now=True)
        noted = runs.read_log(log)
    stderr = {n: "".join(o.text for o in c.outputs if o.get("name") == "stderr") for n, c in enumerate(cells, start=1)}
    if any(stderr.values()):
        reports = [f"{_where(n, cells)}\n{_indented(text)}" for n, text in stderr.items() if text]
        raise RunError("it ran to the end, but wrote to standard error:\n" + "\n".join(reports))
    return noted


def _observed(scratch, root):
    """Let the kernel whose IPython folder is `scratch` observe itself; return the path of its log."""
    log, startup = scratch / "log", scratch / "profile_default" / "startup"
    startup.mkdir(parents=True)
    # In a namespace of its own: the notebook's must hold nothing but what its cells put there.
    run = f"exec(compile({Path(observe.__file__).read_text(encoding='utf-8')!r}, 'observe', 'exec'), space := {{}})"
    start = f"space['observe']({str(root)!r}, {str(log)!r})"
    (startup / "00_observe.py").write_text(f"{run}\n{start}\ndel space\n", encoding="utf-8")
    return log


def _package_parent(source):
    """Return the folder in which the notebook `source` finds the package."""
    return next((path for path in source.parents if (path / "fmnist" / "__init__.py").exists()), source.parent)


def _environment(source, scratch):
    """Return the kernel's environment: the user's, without what would change a notebook's outputs."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "IPYTHONDIR": scratch}
    # Figures go into the notebook only through the backend that the kernel chooses by itself.
    for name in ("MPLBACKEND", "PYTHONSTARTUP"):
        environment.pop(name, None)
    # The package beside the notebook comes before an installed one: this may be a copy of the repository.
    paths = [str(_package_parent(source)), os.environ.get("PYTHONPATH", "")]
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


class _Watch(Thread):
    """Reports, while a kernel runs, the cell it is at and the most memory that it and its children have taken."""

    def __init__(self, manager, cells, on_progress):
        super().__init__(daemon=True)
        self.manager, self.cell, self.cells, self.on_progress = manager, 0, cells, on_progress
        self.peak, self.finished = 0, Event()

    def run(self):
        while not self.finished.wait(0.2):
            self.peak = max(self.peak, self._megabytes())
            self.on_progress(self.cell, self.cells, self.peak)

    def _megabytes(self):
        try:
            kernel = psutil.Process(self.manager.provisioner.pid)
            return sum(process.memory_info().rss for process in [kernel, *kernel.children(recursive=True)]) / 1e6
        except (AttributeError, TypeError, psutil.Error):  # not started yet, or over
            return 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self.finished.set()
        self.join()
        self.on_progress(self.cell, self.cells, self.peak)


def _tidy(notebook, cells):
    """Leave in `notebook` only what a second run would write again."""
    for number, cell in enumerate(cells, start=1):
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
        cell.outputs = _joined(cell.outputs)
    for cell in notebook.cells:
        for name in ("execution", "ExecuteTime", "papermill"):
            cell.metadata.pop(name, None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    }


def _joined(outputs):
    """Join what was printed in a row, which arrives in pieces, and keep of each line what a screen would show."""
    joined = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            lines = re.split(r"(?<=\n)", output.text.replace("\r\n", "\n"))
            output.text = "".join(re.sub(r"[^\n]*\r(?=[^\n])", "", line) for line in lines).replace("\r", "")
    return joined


def _where(number, cells):
    line = next((line for line in cells[number - 1].source.splitlines() if line.strip()), "")
    return f"cell {number} of {len(cells)}: {line}"


def _indented(text):
    """Return `text` without its colours, set off from the lines around it."""
    return textwrap.indent(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text), "    ")


def _cause_of_death(manager):
    process = getattr(manager.provisioner, "process", None)
    code = process.poll() if process else None
    if code is None or code >= 0:
        return f"DeadKernelError: the kernel died with exit code {'unknown' if code is None else code}"
    name = signal.Signals(-code).name
    return f"DeadKernelError: the kernel died of {name}" + (" (often: out of memory)" if name == "SIGKILL" else "")
