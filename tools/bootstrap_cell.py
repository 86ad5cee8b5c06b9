"""The first code cell of every notebook. `python -m tools.bootstrap` puts what follows there."""


# This cell only finds fmnist, the helpers of these notebooks. In Google Colab it downloads the repository first.
# You need not understand it: run it and go on.
def _find_fmnist(repository="<the address of this repository>"):
    import subprocess
    import sys
    from importlib.util import find_spec
    from pathlib import Path

    if find_spec("fmnist"):
        return None
    clone, part = Path("fashion-mnist").resolve(), Path("fashion-mnist.part")
    homes = [folder for folder in (*clone.parents, clone) if any(folder.glob("notebooks/fmnist/__init__.py"))]
    in_colab = find_spec("google") and find_spec("google.colab")
    if in_colab and not homes:
        failed, said = subprocess.getstatusoutput(f"rm -rf {part}; git clone -q --depth 1 '{repository}' {part}")
        if failed:
            return f"{repository} could not be downloaded: check the address and the network ({' '.join(said.split())})"
        homes = [part.rename(clone)]
    if not homes:
        return f"No module named 'fmnist', which no pip can get: download {repository} and open this notebook in it"
    sys.path.append(str(homes[0] / "notebooks"))
    if in_colab:
        from fmnist import versions

        print(versions.report())


if _problem := _find_fmnist():
    raise ModuleNotFoundError(_problem)
del _find_fmnist, _problem
