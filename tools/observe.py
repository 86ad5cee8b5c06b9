"""Notes what a notebook's kernel reads and writes in the repository, and which packages it imports.

The runner lets a kernel execute this file when it starts. Python reports every file that it opens, renames or imports
to an audit hook (https://docs.python.org/3/library/audit_events.html); what concerns the repository is appended to a
log, a line of JSON each: ["read", path], ["write", path], ["cells", notebook, tag, ...] or ["import", package].
`fmnist.taught` reports the cells that it takes from another notebook as an event of its own.
"""

import json
import os
import sys

FOLDERS = ("data", "figures", "models", "notebooks")


def observe(root, aside, log):
    """Append what concerns the repository at `root` to the file `log`, once each.

    A file in the folder `aside`, from which the runner moves files in place, is noted as what it will be below `root`.
    """
    root, aside = os.path.realpath(root), os.path.realpath(aside)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    known, expected = set(), set()

    def note(*what):
        if what not in known:
            known.add(what)
            os.write(descriptor, (json.dumps(what) + "\n").encode())

    def below_root(path):
        """Return `path` relative to the root where it is a file of the repository's content, else None."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        path = os.path.realpath(os.fsdecode(path))
        base = next((folder for folder in (aside, root) if path.startswith(folder + os.sep)), None)
        if base is None:
            return None
        parts = path[len(base) + 1 :].replace(os.sep, "/").split("/")
        if parts[0] not in FOLDERS or any(part.startswith((".", "__")) for part in parts):
            return None
        # Of notebooks/, only notebooks: modules are followed in another way.
        return None if parts[0] == "notebooks" and not parts[-1].endswith(".ipynb") else "/".join(parts)

    def opened(path, mode, flags):
        if path := below_root(path):
            # What a run wrote itself is no input of it when it is read again, unless it is data that was repaired.
            if set(mode) & set("wax+") if mode else flags & (os.O_WRONLY | os.O_RDWR):
                note("write", path)
            elif path in expected:
                expected.remove(path)
            elif ("write", path) not in known or path.startswith("data/"):
                note("read", path)

    def renamed(_, target, *__):
        if path := below_root(target):
            note("write", path)

    def took_cells(notebook, *tags):
        expected.add(f"notebooks/{notebook}.ipynb")
        note("cells", notebook, *tags)

    def imported(module, *_):
        note("import", module.partition(".")[0])

    handlers = {"open": opened, "os.rename": renamed, "fmnist.tagged_sources": took_cells, "import": imported}

    def hook(event, arguments):
        handler = handlers.get(event)
        if handler:
            handler(*arguments)

    sys.addaudithook(hook)
