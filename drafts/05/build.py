"""Make both notebooks of chapter 05 from cells.txt; cells that begin with the same tags and code keep their ids."""
import hashlib, sys, nbformat
from nbformat.v4 import new_notebook, new_code_cell, new_markdown_cell
name = sys.argv[1]; source = sys.argv[2]; folder = sys.argv[3] if len(sys.argv) > 3 else ""
text = open(source, encoding="utf-8").read()
blocks = ["=== " + b for b in text.split("=== ")[1:]]
import re
models = open("WORK/b/models.txt", encoding="utf-8").read()
def expand(match):
    wanted = match[1]
    return "".join("=== " + b for b in re.split(r"^=== ", models, flags=re.M)[1:] if b.split("\n")[0].split()[-1] == wanted)
text = re.sub(r"^=== model (\w+)\n", expand, text, flags=re.M)
blocks = re.split(r"^=== ", text, flags=re.M)[1:]
boot = nbformat.read("WORK/main/notebooks/pytorch/01_dense_and_cnn.ipynb", 4).cells[2].source
for fw, other in (("keras", "pytorch"), ("pytorch", "keras")):
    cells, n = [], 0
    for block in blocks:
        head, body = block.split("\n", 1)
        kind, who, *tags = head.split()
        body = body.strip("\n")
        if who in ("both", "shared", fw):
            if "bootstrap" in tags: body = boot
            body = body.replace("{framework}", fw).replace("{Framework}", {"keras": "Keras", "pytorch": "PyTorch"}[fw])
            body = body.replace("{other}", other).replace("{Other}", {"keras": "Keras", "pytorch": "PyTorch"}[other])
            cell = (new_markdown_cell if kind == "md" else new_code_cell)(body)
            if who == "shared": tags = ["shared", *tags]
            cell.metadata = {"tags": tags} if tags else {}
            cell.id = hashlib.sha256(f"{kind}{n}{body[:40]}".encode()).hexdigest()[:8]
            n += 1
            cells.append(cell)
    nb = new_notebook(cells=cells, metadata=nbformat.read(f"WORK/main/notebooks/{fw}/01_dense_and_cnn.ipynb", 4).metadata)
    nb.metadata.pop("run", None)
    print(fw, {k: (v if len(str(v)) < 100 else "...") for k, v in nb.metadata.items()}, len(cells))
    nbformat.write(nb, f"WORK/main/notebooks/{folder}{fw}/{name}.ipynb")
