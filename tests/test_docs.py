"""The documents stay true to the code."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from compute.models import Lease, Unit
from labeling.models import Assignment, Task
from marketplace.models import Project, ProjectItem
from rewards.models import Account, Transfer

ROOT = Path(settings.BASE_DIR)
DOCS = ROOT / "docs"


def test_every_setting_is_documented_and_no_other() -> None:
    source = (ROOT / "marketplace/site/settings.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', source))
    documented = set(
        re.findall(r"^\| `([A-Z_]+)`", (DOCS / "settings.md").read_text(), re.MULTILINE)
    )
    assert read == documented


@pytest.mark.parametrize("kinds", [Transfer.Kind, Account.Kind])
def test_the_ledger_page_names_every_kind(kinds: type[Transfer.Kind]) -> None:
    text = (DOCS / "ledger.md").read_text()
    assert [kind.value for kind in kinds if f"`{kind.value}`" not in text] == []


def test_the_architecture_page_names_every_top_folder() -> None:
    text = (DOCS / "architecture.md").read_text()
    folders = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir()
        and not path.name.startswith((".", "_"))
        and path.name not in {"node_modules", "test-results"}
    }
    assert [name for name in sorted(folders) if f"{name}/" not in text] == []


@pytest.mark.parametrize(
    "statuses",
    [
        Project.Status,
        ProjectItem.Status,
        Unit.Status,
        Lease.Status,
        Task.Status,
        Assignment.Status,
    ],
    ids=lambda statuses: statuses.__qualname__,
)
def test_every_status_says_beside_it_where_it_leads(statuses: type) -> None:
    """A status without an arrow in its comment is an end."""
    owner = statuses.__qualname__.split(".")[0]
    app = statuses.__module__.split(".")[0]
    source = (ROOT / app / "models.py").read_text()
    block = source[source.index(f"class {owner}(") :]
    block = block[block.index("class Status") :]
    block = block[: block.index("\n\n")]
    arrows = [line for line in block.splitlines() if "->" in line]
    assert arrows
    for line in arrows:
        targets = re.findall(r"[a-z]+", line.split("->")[-1].split(":")[0])
        assert set(targets) <= {status.value for status in statuses}, line


def test_decisions_are_numbered_without_gaps_and_listed_words_are_used_once() -> None:
    names = sorted(path.name for path in (DOCS / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    words = re.findall(
        r"^\| ([a-z ]+) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE
    )
    assert len(words) == len(set(words))


def test_links_between_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{target} in {page.name}"
