"""Runs a notebook from top to bottom in a kernel of its own, and writes it back when its whole run has finished.

Figures, models and records go into a folder aside meanwhile (`fmnist.outputs`). They are put in place together with the
notebook, so that a run that fails, or is stopped, replaces nothing.
"""

import ast
import contextlib
import os
import re
import signal
import tempfile
import textwrap
import time
from pathlib import Path
from threading import Event, Thread

import nbformat
import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import ensure_event_loop, run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from fmnist import outputs
from tools import observe, runs
from tools.aside import NotWritable, files_in, keep, put_in_place, waiting_room
from tools.complaints import complaint

# The lines of a cell's output, or of a traceback, that a report shows.
SHOWN = 12


class RunError(Exception):
    """A run that did not finish; the message is for the person who started it.

    `cell` is the number of the code cell at which it stopped, where it stopped at one.
    """

    def __init__(self, message, cell=None):
        super().__init__(message)
        self.cell = cell


def execute(source, target, *, parameters=None, cwd=None, on_progress=None):
    """Run the notebook `source`, write the result to `target` if nothing went wrong, and return it.

    `parameters` are assigned in a cell of their own after the one tagged "parameters". The working directory is the
    notebook's folder unless `cwd` names another. `on_progress(cell, cells, megabytes)` is called a few times a second,
    and once at the end, with the number of the running code cell and the kernel's peak memory. Raises RunError.
    """
    source, target = Path(source).resolve(), Path(target).resolve()
    original = source.read_bytes()
    try:
        notebook = nbformat.reads(original.decode(), as_version=4)
    except ValueError as error:  # no JSON, such as after a merge with conflicts, or no text
        raise RunError(f"it is no valid notebook: {str(error).partition(chr(10))[0][:200]}") from None
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
            message = f"{_where(number, cells)}\n  SyntaxError: {error.msg} (line {error.lineno})"
            raise RunError(message, number) from None
    root = _package_parent(source).parent
    code = runs.code_of(notebook, root)
    with _room(root, target) as aside:
        start = time.monotonic()
        log = _run(notebook, cells, source, aside, cwd or source.parent, on_progress or (lambda *progress: None))
        seconds = time.monotonic() - start
        complaints = {number: text for number, cell in enumerate(cells, start=1) if (text := complaint(cell))}
        _tidy(notebook, cells)
        # A run takes minutes, in which the notebook can be saved from an editor, or the package be changed.
        if runs.code_of(notebook, root) != code:
            raise RunError("the code in notebooks/fmnist changed during the run: run it again")
        if source == target and source.read_bytes() != original:
            raise RunError("the notebook was edited during the run, and the edit is kept: run it again")
        places = {aside / path: root / path for path in files_in(aside)}
        notebook.metadata["run"] = runs.bind(notebook, root, code, log, seconds, aside)
        written = aside / target.name
        written.write_bytes((nbformat.writes(notebook).rstrip("\n") + "\n").encode())
        if complaints:
            reports = [f"{_where(number, cells)}\n{_indented(text)}" for number, text in complaints.items()]
            why = "every cell ran, but some wrote warnings or errors to standard error, and such a run is not saved:"
            raise RunError("\n".join([why, *reports, keep(aside, root)]), min(complaints))
        try:
            put_in_place(places | {written: target})
        except OSError as error:
            raise RunError(
                f"every cell ran, but the results could not be saved: {error}. {keep(aside, root)}"
            ) from None
    return notebook


@contextlib.contextmanager
def _room(root, target):
    """Give the folder in which the results wait, or raise RunError where something could not be written at the end."""
    try:
        with waiting_room(root, target) as folder:
            yield folder
    except NotWritable as error:
        advice = "give your account the right to write there, or free some disk space"
        raise RunError(f"{error}, so nothing was run: {advice}") from None


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


def _run(notebook, cells, source, aside, cwd, on_progress):
    """Execute `cells` of `notebook` in a fresh kernel, which saves into `aside`; return what it read, wrote, imported.

    Raises RunError at the first error.
    """
    # Here and not in the kernel Matplotlib says, on the console, that it builds its cache of fonts, or where.
    import matplotlib.font_manager  # noqa: F401

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
        log = _observed(Path(scratch), _package_parent(source).parent, aside)
        try:
            with client.setup_kernel(env=_environment(source, scratch, aside), cwd=str(cwd), cleanup_kc=True):
                # As JupyterLab would note it, so that a notebook that is only opened does not count as changed.
                notebook.metadata["language_info"] = run_sync(_language_info)(client.kc)
                try:
                    for number, cell in enumerate(cells, start=1):
                        watch.cell = number
                        client.execute_cell(cell, notebook.cells.index(cell), execution_count=number)
                except KeyboardInterrupt:
                    # Jupyter interrupts a kernel before it kills it; between two cells, the kernel would say so.
                    run_sync(manager.provisioner.kill)()
                    raise
        except CellExecutionError as error:
            raise RunError(_report(number, cells, f"{error.ename}: {error.evalue}"), number) from None
        except DeadKernelError:
            raise RunError(_report(number, cells, _cause_of_death(manager)), number) from None
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
        return runs.read_log(log)


async def _language_info(kernel_client):
    return (await kernel_client.kernel_info(reply=True))["content"]["language_info"]


def _report(number, cells, error):
    """Say where a run stopped and why, with the last lines that the cell printed and those of the traceback."""
    left = cells[number - 1].outputs
    printed = "".join(output.get("text", "") for output in left).splitlines()
    trace = "\n".join(line for output in left for line in output.get("traceback", [])).splitlines()
    shown = ["\n" + _indented("\n".join(lines[-SHOWN:])) for lines in (printed, trace) if lines]
    return "\n".join([_where(number, cells), f"  {error}", *shown])


def _observed(scratch, root, aside):
    """Let the kernel whose IPython folder is `scratch` observe itself; return the path of its log.

    What it writes into `aside` is noted by its later place below `root`.
    """
    log, startup = scratch / "log", scratch / "profile_default" / "startup"
    startup.mkdir(parents=True)
    # In a namespace of its own: the notebook's must hold nothing but what its cells put there.
    run = f"exec(compile({Path(observe.__file__).read_text(encoding='utf-8')!r}, 'observe', 'exec'), space := {{}})"
    start = f"space['observe']({str(root)!r}, {str(aside)!r}, {str(log)!r})"
    (startup / "00_observe.py").write_text(f"{run}\n{start}\ndel space\n", encoding="utf-8")
    return log


def _package_parent(source):
    """Return the folder in which the notebook `source` finds the package."""
    return next((path for path in source.parents if (path / "fmnist" / "__init__.py").exists()), source.parent)


def _environment(source, scratch, aside):
    """Return the kernel's environment: the user's, without what would change a notebook's outputs."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "IPYTHONDIR": scratch, outputs.VARIABLE: str(aside)}
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
            if "metadata" in output:
                text = runs.alternative_text(output)
                output.metadata = {"image/png": {"alt": text}} if text else {}
        cell.outputs = _joined(cell.outputs)
    for cell in notebook.cells:
        for name in ("execution", "ExecuteTime", "papermill"):
            cell.metadata.pop(name, None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


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
    return f"cell [{number}] of {len(cells)}: {line}"


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
