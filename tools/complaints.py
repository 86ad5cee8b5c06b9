"""Which lines on standard error make a run of a notebook worthless, and which do not."""

import re
import sys

from nbformat import NotebookNode

# What may be written to standard error without making the run worthless: it is passed on to the console, and does not
# stay in the notebook.
HARMLESS = (
    # Matplotlib, the first time on a machine, or without a folder of its own.
    r"Matplotlib is building the font cache; this may take a moment\.",
    r"Matplotlib created a temporary cache directory at .*",
    r"mkdir -p failed for path .*",
    # `fmnist.data` repairs a file, and tqdm draws the progress of the download.
    r".*-ubyte\.gz .*; downloading it",
    r"another process is downloading Fashion-MNIST; waiting for it",
    r"[\w-]+-ubyte\.gz: .*",
    # What TensorFlow logs as information or warning: large arrays, the GPU and its libraries, compilation.
    r"\d{4}-\d\d-\d\d [\d:.]+: [IW] .*",
    r"[IW]\d{4} [\d:.]+ +\d+ .*",
    r"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR",
    # PyTorch, on processors that one of its libraries does not support; it then uses another.
    r"\[W.*NNPACK.*\] Could not initialize NNPACK! .*",
)


def complaint(cell: NotebookNode) -> str:
    """Return what a cell that was run wrote to standard error.

    If all of it is known to be harmless, it goes to the console instead, and the text is empty.
    """
    text = "".join(output.text for output in cell.outputs if output.get("name") == "stderr")
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    if any(line and not any(re.fullmatch(known, line) for known in HARMLESS) for line in lines):
        return text
    print(text, end="", file=sys.stderr, flush=True)
    cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return ""
