"""Runs the code of an exercise as the student finds it, for test_exercises.py."""

import contextlib
import io

import matplotlib.pyplot as plt

from tests.helpers import CHECK_CALL, code_cells, fast_settings, read


def answer(framework: str, question: str) -> list[str]:
    """Run the cells of an exercise, such as "exercises/keras/01_dense_and_cnn", and return what its checks print."""
    here, said = {"__name__": "__main__"}, []
    for cell in code_cells(read(question)):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(cell.source, question, "exec"), here)
        if "parameters" in cell.metadata.get("tags", []):
            here.update(fast_settings(question))
        if CHECK_CALL.search(cell.source):
            said.append(printed.getvalue())
    plt.close("all")
    return said
