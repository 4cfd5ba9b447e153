"""House rules that a machine can check."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogue import PAGE, page_text

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "activities", "api", "cli", "connector_kit", "connectors", "mappings", "models", "ports", "runtime", "sandbox",
    "store", "workflows",
)  # fmt: skip
ABOVE_CONNECTORS = (
    "activities", "api", "cli", "connector_kit", "mappings", "models", "ports", "runtime", "store", "workflows",
)  # fmt: skip
MAY_NAME_VENDORS = re.compile(r"runtime/registry\.py|cli/(demo_\w+|simulating)\.py")
"""The one line that registers each connector, and the commands that start the simulators."""
VENDOR_WORDS = re.compile(
    r"salesforce|netsuite|hubspot|workday|suiteql|suitetalk|suitescript|\bsoql\b|sobject|opportunit|subsidiar|"
    r"tran_?date|cust(entity|body|col|record)_|\w__[cr]\b|restlet|oneworld|line_?item_?id|\bhs_",
    re.IGNORECASE,
)
MOST_LINES, MOST_LINES_OF_A_PROCESS, MEDIAN_LINES = 500, 300, 120
MOST_LINES_OF_A_FUNCTION, MOST_LINES_OF_AN_ENTRY = 50, 60
NOT_OURS = {".git", ".venv", "var", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__"}


def _modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _is_migration(path: Path) -> bool:
    return "migrations" in path.parts


def _targets(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def _tree() -> Iterator[Path]:
    waiting = [ROOT]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if path.name in NOT_OURS:
                continue
            if path.is_dir():
                waiting.append(path)
            elif path.stat().st_size < 2_000_000:
                yield path


def test_no_vendor_word_stands_above_the_connectors() -> None:
    found = [
        f"{_name(path)}:{number}: {match[0]}"
        for path in (*_modules(*ABOVE_CONNECTORS), ROOT / "worker.py", ROOT / "starter.py")
        if not MAY_NAME_VENDORS.fullmatch(_name(path))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := VENDOR_WORDS.search(line))
    ]

    assert found == []


def test_every_module_says_what_it_exports() -> None:
    silent = []
    for path in _modules(*PACKAGES):
        text = path.read_text(encoding="utf-8")
        body = [node for node in ast.parse(text).body if not (isinstance(node, ast.Expr))]
        names = {name for node in body if isinstance(node, ast.Assign) for name in _targets(node)}
        if body and "__all__" not in names and path.name != "__main__.py" and not _is_migration(path):
            silent.append(_name(path))

    assert silent == []


def test_what_a_module_exports_exists() -> None:
    broken = []
    for path in _modules(*PACKAGES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined: set[str] = set()
        exported: list[str] = []
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                defined.add(node.name)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                defined |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                defined.add(node.id)
        for node in tree.body:
            if isinstance(node, ast.Assign) and "__all__" in _targets(node):
                exported = ast.literal_eval(node.value)
        broken += [f"{_name(path)}: {name}" for name in exported if name not in defined]

    assert broken == []


def test_files_stay_within_their_budgets() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in _modules(*PACKAGES)}

    assert {_name(path): count for path, count in lines.items() if count > MOST_LINES} == {}
    assert {
        _name(path): count
        for path, count in lines.items()
        if path.parent.name == "workflows" and count > MOST_LINES_OF_A_PROCESS
    } == {}
    assert statistics.median(count for count in lines.values() if count > 1) < MEDIAN_LINES


@pytest.mark.parametrize("entry", ["worker.py", "starter.py"])
def test_entry_points_hold_no_logic(entry: str) -> None:
    assert len((ROOT / entry).read_text(encoding="utf-8").splitlines()) < MOST_LINES_OF_AN_ENTRY


def _lines_of_logic(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines, but a closing `return Record(field=..., ...)` is a table that is read line by line, not logic."""
    end = function.end_lineno or function.lineno
    last = function.body[-1]
    if isinstance(last, ast.Return) and isinstance(last.value, ast.Call) and last.value.keywords:
        end = last.lineno
    return end - function.lineno + 1


def test_a_function_fits_on_a_screen() -> None:
    too_long = [
        f"{_name(path)}: {node.name}"
        for path in _modules(*PACKAGES)
        if not _is_migration(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and _lines_of_logic(node) > MOST_LINES_OF_A_FUNCTION
    ]

    assert too_long == []


def test_no_module_is_named_after_nothing() -> None:
    empty = {"utils", "util", "common", "helpers", "helper", "core", "service", "services", "misc"}

    assert [_name(path) for path in _modules(*PACKAGES) if {path.stem, path.parent.name} & empty] == []


def test_the_tree_names_no_index_host_and_no_machine() -> None:
    # Put together here, so that this file does not name them either.
    places = ["/" + folder + "/" for folder in ("work", "root", "home")]
    hosts = ["index" + "-url =", "extra" + "-index", "--index" + "-url", "find" + "-links", "/sim" + "ple/"]
    pattern = re.compile("|".join(rf"(?<![\w.}}/-]){re.escape(place)}" for place in places) + "|" + "|".join(hosts))
    found = []
    for path in _tree():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{_name(path)}: {match[0]}" for match in pattern.finditer(text)]

    assert found == []


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    code = re.compile(r"\bTL-[A-Z]{3}-\d{3}\b")
    known = set(code.findall(PAGE.read_text(encoding="utf-8")))
    raised = {
        found: _name(path)
        for path in (*_modules(*(name for name in PACKAGES if name != "sandbox")),)
        for found in code.findall(path.read_text(encoding="utf-8"))
    }

    assert {found: where for found, where in raised.items() if found not in known} == {}


def test_the_catalogue_page_is_what_the_rules_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_text(), "Run: python -m tests.catalogue"
