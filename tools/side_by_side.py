"""Make docs/side_by_side.md from the texts in docs/side_by_side/; `make readme` calls it.

A text has the form of the page: a group under `##`, an entry under `###`, prose, and code between fences. The word
after "```python" says whose code it is: "keras" or "pytorch", and for an error message "keras wrong" or "keras right".
The tests take the snippets from the same texts and run them (tests/frameworks/test_side_by_side.py).
"""

import functools
import re
from dataclasses import dataclass

from fmnist.paths import ROOT
from fmnist.records import DISPLAY

FOLDER = ROOT / "docs" / "side_by_side"
START, TRAPS, MESSAGES = "0_start", "7_traps", "8_messages"
STEPS = ("1_data", "2_model", "3_training", "4_evaluation", "5_saving", "6_further")
FENCE = re.compile(r"^```(python|text)(?: (\w+))?(?: (\w+))?\n(.*?)^```\n?", flags=re.S | re.M)


@dataclass(frozen=True)
class Entry:
    """What stands below a heading: `text` as it is written, with its code, which `code` holds by its words.

    The key is ("keras", None) for ```` ```python keras ````, and ("keras", "wrong") where a second word follows.
    """

    title: str
    text: str

    @property
    def anchor(self) -> str:
        """The anchor that GitHub gives the heading."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")

    @property
    def code(self) -> dict[tuple[str, str | None], str]:
        """Return {(framework, kind): code}; the message of an error has the key ("text", None)."""
        found = FENCE.findall(self.text)
        named = [((whose or language, kind or None), code) for language, whose, kind, code in found]
        if len(dict(named)) != len(named):
            raise ValueError(f"{self.title}: two pieces of code with the same words after ```.")
        return dict(named)

    @property
    def prose(self) -> str:
        """Return the text without its code."""
        return FENCE.sub("", self.text).strip()


@dataclass(frozen=True)
class Group:
    """A text of the folder: the heading, what follows it, and the entries."""

    start: Entry
    entries: list[Entry]


@functools.cache
def read(name: str) -> Group:
    """Return the text called `name`, such as "1_data", cut into its entries."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in re.split(r"^##+ ", text, flags=re.M)[1:]]
    start, *rest = [Entry(title.strip(), text.strip() + "\n") for title, _, text in parts]
    return Group(start, rest)


def entries(*names: str) -> dict[str, Entry]:
    """Return the entries of these texts by their anchors, in the order of the page."""
    return {entry.anchor: entry for name in names for entry in read(name).entries}


def steps() -> dict[str, Entry]:
    """Return every step by its anchor, in the order of the page."""
    return entries(*STEPS)


def start_code() -> dict[str, str]:
    """Return for each framework the lines that come before every snippet."""
    return {framework: code for (framework, _), code in read(START).start.code.items()}


def index() -> str:
    """Return a line for each group of the page, with links to its entries, as Markdown."""
    lines = []
    for name in (*STEPS, TRAPS, MESSAGES):
        group = read(name)
        links = " · ".join(f"[{entry.title}](#{entry.anchor})" for entry in group.entries)
        lines.append(f"- **[{group.start.title}](#{group.start.anchor}):** {links}")
    return "\n".join(lines)


def body() -> str:
    """Return everything below the index, as Markdown."""
    parts = []
    for name in (START, *STEPS, TRAPS, MESSAGES):
        group = read(name)
        for level, entry in (("##", group.start), *(("###", entry) for entry in group.entries)):
            parts += [f"{level} {entry.title}", columns(entry) if name in (START, *STEPS) else plain(entry)]
    return "\n\n".join(part for part in parts if part)


def columns(entry: Entry) -> str:
    """Return the prose of an entry, and its code in two columns where there is room, else one below the other."""
    if not entry.code:
        return entry.prose
    keras, pytorch = (entry.code[framework, None] for framework in ("keras", "pytorch"))
    # The first table floats: on a telephone the second one then slips below it.
    return (
        f'{entry.prose}\n\n<table align="left">\n{_cell("keras", keras)}</table>\n'
        f'<table>\n{_cell("pytorch", pytorch)}</table>\n\n<br clear="all">'
    )


def plain(entry: Entry) -> str:
    """Return an entry as it is written, with the name of the framework above its code."""

    def captioned(fence: re.Match) -> str:
        language, whose, kind, code = fence.groups()
        caption = f"{DISPLAY[whose]}, {kind}:\n\n" if kind else f"{DISPLAY[whose]}:\n\n" if whose else ""
        return f"{caption}```{language}\n{code}```\n"

    return FENCE.sub(captioned, entry.text).strip()


def _cell(framework: str, code: str) -> str:
    return f"<tr><th>{DISPLAY[framework]}</th></tr>\n<tr><td>\n\n```python\n{code}```\n\n</td></tr>\n"
