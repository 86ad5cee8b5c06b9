"""Make .venv and install into it what the notebooks need.

    python -m tools.install [teach] [dev]

The names add what teachers and what developers need. An older Python runs this file as far as the sentence that says
what is wrong, hence its old-fashioned code. Without it, the pip of an older Python downloads a gigabyte first.
"""

from __future__ import print_function

import glob
import os
import platform
import shutil
import subprocess
import sys

SUPPORTED = ("3.11", "3.12", "3.13")
VENV_PYTHON = os.path.join(".venv", "Scripts" if os.name == "nt" else "bin", "python")
LIBRARY = "Lib" if os.name == "nt" else os.path.join("lib", "python3*")
SITE_PACKAGES = os.path.join(".venv", LIBRARY, "site-packages")
# What `pip install -e .` leaves in site-packages, as setuptools names it.
EDITABLE = ("__editable__*fashion_mnist_keras_and_pytorch*", "fashion_mnist_keras_and_pytorch-*.dist-info")


def version_in_venv():
    """Return the version of Python in .venv, such as "3.12"; None where there is none that works and has pip."""
    question = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        with open(os.devnull, "w") as nowhere:
            answer = subprocess.check_output([VENV_PYTHON, "-c", question], stderr=nowhere)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.decode().strip()


def problem(in_venv):
    """Return a sentence that says why nothing can be installed, or None.

    `in_venv` is what `version_in_venv` returned. A .venv that works is used, whatever Python runs this file.
    """
    version = in_venv or "%d.%d" % sys.version_info[:2]
    needed = "Python 3.11, 3.12 or 3.13 is needed, but "
    if in_venv and version not in SUPPORTED:
        return needed + ".venv was made with " + version + ": remove the folder .venv first (make clean)."
    if version not in SUPPORTED:
        return (
            needed
            + "this is "
            + version
            + ": install one of them, or name it, as in make try PYTHON=/path/to/python3.12"
        )
    if (platform.system(), platform.machine()) == ("Darwin", "x86_64"):
        packages = "TensorFlow and PyTorch have no packages for Intel Macs; "
        return packages + "on an Apple silicon Mac, use a Python built for arm64."
    if not (in_venv or has_venv()):
        package = "sudo apt install python" + version + "-venv"
        return "Python " + version + " has no venv module here; on Debian and Ubuntu: " + package
    return None


def has_venv():
    """Return whether this Python can make an environment with pip in it."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return False
    return True


def remove_editable():
    """Remove from .venv what `pip install -e .` has put there.

    It names the folder of the repository in full. A Python that cannot decode the letters of that path does not start:
    3.11 with LC_ALL=C, for one. And in a copy of the repository it would find the package of the original.
    """
    for pattern in EDITABLE:
        for path in glob.glob(os.path.join(SITE_PACKAGES, pattern)):
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.remove(path)


def link_package():
    """Let the Python in .venv find the package in notebooks/.

    The path is relative to the file, so its letters are ASCII wherever the repository lies, and it can be moved.
    """
    for folder in glob.glob(SITE_PACKAGES):
        with open(os.path.join(folder, "fmnist.pth"), "w") as file:
            file.write(os.path.relpath("notebooks", folder) + "\n")


def install(extras):
    """Let pip install what the lists ask for, show what is large of what it says, and return its exit status."""
    options = ["--disable-pip-version-check", "-r", "requirements.txt"]
    for extra in extras:
        options += ["-r", "requirements-" + extra + ".txt"]
    command = [VENV_PYTHON, "-m", "pip", "install"] + options + ["-c", "constraints.txt"]
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True)
    for line in pip.stdout:
        if line.endswith(" MB)\n"):
            print("  " + line.strip())
        elif line.startswith("Installing collected packages"):
            print("  Installing the packages (a minute or two)")
        sys.stdout.flush()
    return pip.wait()


def main(extras):
    """Install the packages, with those of the `extras`, and return the exit status."""
    remove_editable()
    in_venv = version_in_venv()
    sentence = problem(in_venv)
    if sentence:
        print(sentence, file=sys.stderr)
        return 1
    print("Installing into .venv; the first time this takes some minutes and up to 9 GB of disk.")
    sys.stdout.flush()
    try:
        made = in_venv or subprocess.call([sys.executable, "-m", "venv", "--clear", ".venv"]) == 0
        done = made and install(extras) == 0
    except KeyboardInterrupt:
        done = False
    if not done:
        print("The installation did not finish; the same command goes on with it.", file=sys.stderr)
        return 1
    link_package()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
