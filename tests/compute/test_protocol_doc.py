"""The page on the protocol names everything that the code says or understands."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest
from django.conf import settings

from compute import errors, queries
from compute.agent import protocol
from compute.models import Lease, Unit

TEXT = (Path(settings.BASE_DIR) / "docs" / "protocol.md").read_text()


@pytest.mark.parametrize("path", protocol.PATHS)
def test_every_path_is_documented(path: str) -> None:
    assert f"{path}`" in TEXT


@pytest.mark.parametrize("kind", protocol.MESSAGES, ids=lambda kind: kind.__name__)
def test_every_message_and_field_is_documented(kind: type) -> None:
    names = [kind.__name__, *(item.name for item in fields(kind))]
    assert [name for name in names if f"`{name}`" not in TEXT] == []


def test_every_message_of_the_protocol_is_listed() -> None:
    source = ast.parse(Path(protocol.__file__).read_text())
    classes = {node.name for node in source.body if isinstance(node, ast.ClassDef)}
    assert classes == {kind.__name__ for kind in protocol.MESSAGES}


@pytest.mark.parametrize("header", protocol.HEADERS)
def test_every_header_is_documented(header: str) -> None:
    assert f"| `{header}` |" in TEXT


def test_every_error_is_documented() -> None:
    codes = {
        kind.default_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ComputeError)
    }
    assert [code for code in sorted(codes) if f"`{code}`" not in TEXT] == []


@pytest.mark.parametrize("words", [protocol.ACKNOWLEDGEMENTS, protocol.RESULT_ERRORS])
def test_every_word_of_the_results_is_documented(words: tuple[str, ...]) -> None:
    assert [word for word in words if f"| `{word}` |" not in TEXT] == []


def test_every_reason_for_idleness_is_documented() -> None:
    calls = [
        node
        for node in ast.walk(ast.parse(Path(queries.__file__).read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "WhyIdle"
    ]
    codes = {node.args[0].value for node in calls}
    assert len(codes) == 7
    assert [code for code in sorted(codes) if f"| `{code}` |" not in TEXT] == []


@pytest.mark.parametrize("status", [*Unit.Status.values, *Lease.Status.values])
def test_every_status_is_in_the_pictures(status: str) -> None:
    pictures = TEXT.split("## States")[1].split("## Agreement")[0]
    assert status in pictures


def test_the_numbers_on_the_page_are_the_codes() -> None:
    assert f"up to {protocol.SKEW_SECONDS} seconds" in TEXT
    assert f"At most {protocol.BATCH_MAX} leases" in TEXT
    assert f"first {protocol.FINGERPRINT_LENGTH} hex digits" in TEXT
