"""Print as JSON the jobs into which the workflow divides the slow tests.

    python -m tools.chapters_matrix

There is a job for each chapter's notebook and one for all other slow tests. "select" is what pytest's -k takes. This
needs no installation, only the folder `notebooks` on the PYTHONPATH.
"""

import json

from fmnist import chapters


def jobs() -> list[dict[str, str]]:
    """Return {"name", "select"} of each job; each slow test is selected by one of them."""
    names = chapters.notebooks()
    others = {"name": "others", "select": f"not ({' or '.join(names)})"}
    return [*({"name": name, "select": name} for name in names), others]


if __name__ == "__main__":
    print(json.dumps(jobs()))
