"""The house's rules that the import linter cannot see."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OURS = ("marketplace", "labeling", "compute", "rewards", "accounts", "blobs")
# From the top floor down; what stands on one line does not know its neighbour.
FLOORS = {
    "marketplace": 0,
    "labeling": 1,
    "compute": 1,
    "rewards": 2,
    "accounts": 3,
    "blobs": 3,
}
ENTRY_POINTS = ("views", "api", "forms", "tasks", "receivers", "serializers", "urls")
LONGEST_FILE, LONGEST_FUNCTION = 300, 60
# A table that is read from top to bottom; in two files it would be harder to find.
TABLES = {"marketplace/site/settings.py": 440}


def sources() -> list[Path]:
    return [
        path
        for app in OURS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def is_entry_point(path: Path) -> bool:
    """Return whether it is ``app/views.py`` or in ``app/views/``, and the like."""
    return path.relative_to(ROOT).with_suffix("").parts[1] in ENTRY_POINTS


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(), ids=names)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= TABLES.get(names(path), LONGEST_FILE)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name


@pytest.mark.parametrize(
    "path", [path for path in sources() if is_entry_point(path)], ids=names
)
def test_entry_points_hold_no_queries_of_their_own(path: Path) -> None:
    managers = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "_meta"}
    ]
    assert not [node.lineno for node in managers if node.attr == "objects"]


def test_foreign_keys_point_downwards() -> None:
    for app in OURS:
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.get_fields():
                if not (field.concrete and field.is_relation and field.related_model):
                    continue
                target = field.related_model._meta.app_label
                if target in FLOORS and target != app:
                    assert FLOORS[target] > FLOORS[app], f"{model} → {target}"


def test_only_actions_and_flows_write() -> None:
    """Saving, creating and deleting rows happens in the writers' files alone."""
    writers = {
        "actions",
        "ledger",
        "linking",
        "deposits",
        "reconciliation",
        "blocks",
        "payouts",
        "pipeline",
        "demo",
        "migrations",
    }
    verbs = {"create", "bulk_create", "bulk_update", "get_or_create", "save", "delete"}
    for path in sources():
        if writers & {path.stem, *path.parts} or path.stem in {"models", "adapters"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or node.attr not in verbs:
                continue
            owner = node.value
            is_manager = isinstance(owner, ast.Attribute) and owner.attr == "objects"
            assert not is_manager, f"{names(path)}:{node.lineno}"


def test_the_project_speaks_of_itself_alone() -> None:
    """No path of somebody's machine, in any file that is kept."""
    # This checkout's own place and this machine's home; "/" alone would be everywhere.
    places = [str(path) + "/" for path in (ROOT, Path.home()) if len(path.parts) > 1]
    banned = re.compile("|".join(map(re.escape, places)) or r"(?!)")
    kept = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "*.html", "*.js", "*.css", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in kept:
        path = ROOT / name
        if path.exists() and path != Path(__file__):
            assert not banned.search(path.read_text()), name
