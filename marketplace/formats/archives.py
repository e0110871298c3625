"""The only place that reads a stranger's zip file: bounded before it is unpacked."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
END = b"PK\x05\x06"
END_SIZE = 22
LOCATOR_64 = b"PK\x06\x07"
LOCATOR_64_SIZE = 20
LONGEST_COMMENT = 65_535
ENTRY_LIMIT = 1_024  # bytes of the table of contents that a real entry stays below
RATIO_LIMIT = 100
RATIO_FROM = 10 * 1024 * 1024  # small archives of flat pictures may compress well
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ArchiveRefused(Exception):
    """Why nothing of an archive, or nothing more of it, is read."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of an archive: its bytes, or the code of why they are not read."""

    name: str
    data: bytes | None = None
    refused: str = ""


def is_archive(head: bytes) -> bool:
    return head.startswith(MAGIC)


def entries(
    file: IO[bytes], *, max_files: int, max_file_bytes: int, max_total_bytes: int
) -> Iterator[Entry]:
    """Yield the archive's files one by one; names are labels, nothing is written.

    Raises ArchiveRefused: ``damaged``, ``too_many_files`` or ``archive_too_large``.
    What was yielded before that stays good.
    """
    _check_contents(file, max_files)
    try:
        with zipfile.ZipFile(file) as archive:
            infos = [info for info in archive.infolist() if _is_wanted(info)]
            _check_sizes(file, infos, max_files, max_total_bytes)
            for info in infos:
                yield _read(archive, info, max_file_bytes)
    except (zipfile.BadZipFile, zlib.error, OSError, struct.error, EOFError) as error:
        raise ArchiveRefused("damaged") from error


def _check_contents(file: IO[bytes], max_files: int) -> None:
    """Bound the table of contents before it is read, since all of it is kept."""
    size = file.seek(0, 2)
    start = max(0, size - END_SIZE - LONGEST_COMMENT - LOCATOR_64_SIZE)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_SIZE:
        raise ArchiveRefused("damaged")
    before = tail[max(0, at - LOCATOR_64_SIZE) : at]
    count, table = struct.unpack("<HL", tail[at + 10 : at + 16])
    if (
        before.startswith(LOCATOR_64)
        or count > 2 * max_files  # folders count too
        or table > 2 * max_files * ENTRY_LIMIT
    ):
        raise ArchiveRefused("too_many_files")


def _is_wanted(info: zipfile.ZipInfo) -> bool:
    """Leave out folders and what systems put beside the files."""
    parts = PurePosixPath(info.filename).parts
    return not (
        info.is_dir()
        or not parts
        or "__MACOSX" in parts
        or parts[-1].startswith("._")
        or parts[-1] in {".DS_Store", "Thumbs.db", "desktop.ini"}
    )


def _check_sizes(
    file: IO[bytes], infos: list[zipfile.ZipInfo], max_files: int, max_bytes: int
) -> None:
    if len(infos) > max_files:
        raise ArchiveRefused("too_many_files")
    unpacked = sum(info.file_size for info in infos)
    packed = file.seek(0, 2)
    file.seek(0)
    # A header may lie about its size, but never more is read than it says.
    if unpacked > max_bytes or unpacked > max(RATIO_FROM, RATIO_LIMIT * packed):
        raise ArchiveRefused("archive_too_large")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int) -> Entry:
    name = info.filename
    if info.flag_bits & 0x1:
        return Entry(name=name, refused="encrypted")
    if info.file_size > max_bytes:
        return Entry(name=name, refused="too_many_bytes")
    if info.compress_type not in METHODS:
        return Entry(name=name, refused="damaged")
    try:
        with archive.open(info) as file:
            return Entry(name=name, data=file.read(info.file_size))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, struct.error):
        return Entry(name=name, refused="damaged")
