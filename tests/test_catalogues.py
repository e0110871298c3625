"""Every word of the pages is in every catalogue, translated, with its placeholders."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import to_locale

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _name in settings.LANGUAGES]
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|%[sd]")


def catalogue(folder: Path, language: str) -> Catalog:
    name = to_locale(language)
    with (folder / "locale" / name / "LC_MESSAGES/django.po").open("rb") as file:
        return read_po(file, locale=name)


def texts(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def keys(found: Catalog) -> set[tuple[str, ...]]:
    return {
        (*texts(message.id), message.context or "") for message in found if message.id
    }


def messages(language: str) -> list[Message]:
    return [message for message in catalogue(ROOT, language) if message.id]


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, ...]]:
    """Return what the code and the templates say now."""
    if not shutil.which("xgettext"):
        pytest.skip("gettext is not installed (Debian: apt-get install gettext)")
    copy = tmp_path_factory.mktemp("words")
    kept = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in kept:
        source = ROOT / name
        is_said = source.suffix in {".py", ".html", ".txt"}
        if (
            is_said
            and not name.startswith(("tests/", "benchmarks/"))
            and source.exists()
        ):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy / name)
    (copy / "locale").mkdir()
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "en", "--no-location"],
        cwd=copy,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "marketplace.site.settings"},
        capture_output=True,
        check=True,
    )
    return keys(catalogue(copy, "en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_string_escapes_the_catalogue(
    language: str, extracted: set[tuple[str, ...]]
) -> None:
    """If this fails, run ``make messages`` and translate what is new."""
    assert extracted - keys(catalogue(ROOT, language)) == set()


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_catalogue_has_gaps(language: str) -> None:
    gaps = [
        message.id
        for message in messages(language)
        if message.fuzzy or not all(texts(message.string))
    ]
    assert gaps == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_translations_keep_their_placeholders(language: str) -> None:
    for message in messages(language):
        allowed = {
            name for text in texts(message.id) for name in PLACEHOLDER.findall(text)
        }
        for text in texts(message.string):
            used = set(PLACEHOLDER.findall(text))
            assert used <= allowed, message.id
            if isinstance(message.id, str):
                assert used == allowed, message.id


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_plural_form_is_there(language: str) -> None:
    expected = catalogue(ROOT, language).num_plurals
    for message in messages(language):
        if not isinstance(message.id, str):
            assert len(texts(message.string)) == expected, message.id
