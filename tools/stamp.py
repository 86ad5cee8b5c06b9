"""A fingerprint of what code does: of some statements, and of everything in this repository that they reach.

Comments, docstrings, layout and the type hints of functions do not count, nor does a function of the repository that
is never reached. Reaching is judged by names, without running anything: a name that a function uses leads to what its
module binds to that name, and an attribute of an imported module to what that module binds to it. A module that is
used in any other way, such as being passed to a function, counts as a whole. Names in strings are not seen, nor is what
a decorator does when a function that is not reached is defined.
"""

import ast
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def canonical(node: object) -> object:
    """Return a syntax tree as nested lists, the same in every supported version of Python.

    `ast.dump` and `ast.unparse` change between versions: fields that are empty are therefore left out, and positions
    were never in.
    """
    if isinstance(node, ast.AST):
        fields = dict(ast.iter_fields(node))
        if isinstance(node, (ast.Module, *DEFINITIONS)):
            fields["body"] = _without_docstring(node.body)
        for hint in (
            ("returns",) if isinstance(node, FUNCTIONS) else ("annotation",) if isinstance(node, ast.arg) else ()
        ):
            fields.pop(hint, None)
        return [type(node).__name__, {k: canonical(v) for k, v in fields.items() if v is not None and v != []}]
    if isinstance(node, list):
        return [canonical(item) for item in node]
    return repr(node)


def digest(value: object) -> str:
    """Return the SHA-256 of a value that JSON can hold, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def code_digests(sources: Iterable[str], packages: dict[str, Path]) -> dict[str, str]:
    """Return {"cells": digest of `sources`, "fmnist/plots.py": digest of what they reach in it, ...}.

    `sources` are pieces of Python that run one after another in one namespace, such as the cells of a notebook.
    `packages` maps the name of each package that is followed to its folder; all other imports are only noted.
    """
    folders = tuple((name, folder, _state(folder)) for name, folder in packages.items())
    return dict(_code_digests(tuple(sources), folders))


def _state(folder: Path) -> tuple:
    """Return what changes when a module of a package does."""
    found = ((path, path.stat()) for path in sorted(folder.rglob("*.py")))
    return tuple((path, about.st_mtime_ns, about.st_size) for path, about in found)


# The same modules and cells are looked at for one notebook after another: each text is parsed, each tree walked, and
# what has not changed is followed, once in a process.
_cached = functools.lru_cache(maxsize=10_000)


@_cached
def _code_digests(sources: tuple[str, ...], folders: tuple[tuple[str, Path, tuple], ...]) -> dict[str, str]:
    trees = [_parsed(source) for source in sources]
    reached = _Reached({name: folder for name, folder, _ in folders})
    reached.add_code(trees)
    # A semicolon at the end of a cell hides what its last line shows.
    silent = [source.rstrip().endswith(";") for source in sources]
    return {"cells": digest([[_canonical(tree) for tree in trees], silent]), **reached.digests()}


_parsed = _cached(ast.parse)
_canonical = _cached(canonical)


@_cached
def _imports(tree: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@_cached
def _uses(tree: ast.AST) -> list[list[str]]:
    return list(_used_names(tree))


class _Module:
    """One file: what it binds to each name, what it imports from the packages, and what merely happens in it."""

    def __init__(self, path: Path, name: str):
        self.path, self.name = path, name
        self.bound: dict[str, list[ast.stmt]] = {}
        self.effects: list[ast.stmt] = []
        for statement in _without_docstring(_parsed(path.read_text(encoding="utf-8")).body):
            names = set(_bound_names(statement))
            for each in names:
                self.bound.setdefault(each, []).append(statement)
            if not names or not _only_binds(statement):
                self.effects.append(statement)


class _Reached:
    """Collects what is reached, a set of statements for each module."""

    def __init__(self, packages: dict[str, Path]):
        self.packages = packages
        self.modules: dict[str, _Module | None] = {}
        self.names: dict[str, set[str]] = {}

    def digests(self) -> dict[str, str]:
        found = {}
        for name, names in sorted(self.names.items()):
            module = self.modules[name]
            parts = {each: [_binding(statement, each) for statement in module.bound[each]] for each in sorted(names)}
            if parts or module.effects:
                folder = self.packages[name.split(".")[0]]
                path = module.path.relative_to(folder.parent).as_posix()
                found[path] = digest([parts, [_canonical(statement) for statement in module.effects]])
        return found

    def add_code(self, trees: list[ast.AST], module: str = "") -> None:
        """Follow what `trees` use; `module` is the module in which they stand, "" for code outside the packages."""
        imports = {}
        for tree in trees:
            for node in _imports(tree):
                imports |= dict(self._imported(node, module))
        for name in imports.values():
            self._touch(name)
        for tree in trees:
            for chain in _uses(tree):
                if chain[0] in imports:
                    self._follow(imports[chain[0]], chain[1:])
                elif module:
                    self._reach(module, chain[0], chain[1:])

    def _module(self, name: str) -> _Module | None:
        """Return the module called `name`, None where no package has it."""
        if name not in self.modules:
            first, *rest = name.split(".")
            folder = self.packages.get(first)
            path = folder.joinpath(*rest) if folder else None
            files = [path.with_suffix(".py") if rest else None, path / "__init__.py"] if path else []
            file = next((each for each in files if each and each.is_file()), None)
            self.modules[name] = _Module(file, name) if file else None
        return self.modules[name]

    def _imported(self, node: ast.Import | ast.ImportFrom, module: str) -> Iterator[tuple[str, str]]:
        """Yield (name in the importing code, dotted name of what it stands for) for what comes from the packages."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in self.packages:
                    self._touch(alias.name)
                    yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
            return
        source = node.module or ""
        if node.level:
            is_package = self._module(module).path.name == "__init__.py"
            parents = module.split(".")[: len(module.split(".")) - node.level + is_package]
            source = ".".join([*parents, *filter(None, [source])])
        if source.split(".")[0] in self.packages:
            for alias in node.names:
                yield alias.asname or alias.name, f"{source}.{alias.name}"

    def _touch(self, name: str) -> None:
        """Note that the module `name`, and the packages around it, are imported: what happens in them counts."""
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            each = ".".join(parts[:length])
            module = self._module(each)
            if module and each not in self.names:
                self.names[each] = set()
                self.add_code(module.effects, each)
                for statements in module.bound.values():
                    for statement in statements:
                        if isinstance(statement, ast.Import | ast.ImportFrom):
                            for _, imported in self._imported(statement, each):
                                self._touch(imported)

    def _follow(self, target: str, attributes: list[str]) -> None:
        """Follow the attributes of `target`, a module or something in a module."""
        if self._module(target) is None:
            parent, _, name = target.rpartition(".")
            if self._module(parent):
                self._reach(parent, name, attributes)
        elif attributes:
            self._follow(f"{target}.{attributes[0]}", attributes[1:])
        else:
            self._touch(target)
            for name in self._module(target).bound:
                self._reach(target, name, [])

    def _reach(self, module: str, name: str, attributes: list[str]) -> None:
        """Note that what `module` binds to `name` is used, and follow it."""
        statements = self._module(module).bound.get(name, [])
        self._touch(module)
        imports = [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]
        for statement in imports:
            targets = dict(self._imported(statement, module))
            if name in targets:
                self._follow(targets[name], attributes)
        if not statements or name in self.names[module]:
            return
        self.names[module].add(name)
        self.add_code([each for each in statements if each not in imports], module)


def _binding(statement: ast.stmt, name: str) -> object:
    """Return `statement` as far as it binds `name`: of an import, what else it imports does not matter."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        aliases = [alias for alias in statement.names if name in (alias.asname, alias.name.split(".")[0])]
        source = [statement.module, statement.level] if isinstance(statement, ast.ImportFrom) else []
        return [type(statement).__name__, *source, *(alias.name for alias in aliases)]
    return _canonical(statement)


def _only_binds(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing but bind names: a loop or an item's assignment may do more."""
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Name) for target in statement.targets)
    return isinstance(statement, (*DEFINITIONS, ast.AnnAssign, ast.Import, ast.ImportFrom))


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module binds there."""
    if isinstance(statement, DEFINITIONS):
        yield statement.name
        return
    for node in _outside_functions(statement):
        if isinstance(node, DEFINITIONS):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without what stands inside functions, classes and comprehensions, whose names are their own."""
    yield node
    if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _used_names(node: ast.AST, hidden: frozenset[str] = frozenset()) -> Iterator[list[str]]:
    """Yield each name that is read, with the attributes taken from it: ["plots", "save"] for `plots.save(...)`.

    `hidden` are the names that belong to a function around it.
    """
    attributes: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        attributes.insert(0, inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        if isinstance(inner.ctx, ast.Load) and inner.id not in hidden:
            yield [inner.id, *attributes]
        return
    if isinstance(node, FUNCTIONS):
        arguments = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        body = node.body if isinstance(node.body, list) else [node.body]
        stored = {name for statement in body for name in _bound_names(statement)}
        # What a function imports is followed like any import.
        stored -= {alias.asname or alias.name.split(".")[0] for each in _imports(node) for alias in each.names}
        declared = {name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names}
        outside = [*getattr(node, "decorator_list", []), *node.args.defaults, *filter(None, node.args.kw_defaults)]
        for each in outside:
            yield from _used_names(each, hidden)
        for each in body:
            yield from _used_names(each, (hidden | arguments | stored) - declared)
        return
    for child in ast.iter_child_nodes(node):
        yield from _used_names(child, hidden)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if is_text else body
