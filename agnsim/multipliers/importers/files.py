"""Finding and reading files of a folder that nobody vouches for.

No link is followed, nothing but regular files is opened, and size, number and depth have limits.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from agnsim.multipliers.importers.failure import Failure, SourceError, shown_path

MAX_ENTRIES = 100_000
MAX_DEPTH = 16
MAX_TEXT = 32 * 2**20
MAX_BINARY = 256 * 2**20


@dataclass
class Walk:
    """What a file or folder holds.

    Attributes:
        root: What was asked for; a file where a link to one was.
        files: Its regular files, sorted; hidden ones and those in hidden folders are left out.
        folders: Folders that hold one of the names in `whole`: they are read as one thing, not walked.
        failures: What is refused.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def walk(root: Path, whole: tuple[str, ...] = (), besides: Path | None = None) -> Walk:
    """Return the files under a path; links are not followed: what they lead to inside is found anyway.

    Args:
        root: A file or folder; it may be a link itself, which stands for what it leads to.
        whole: Names of files that make their folder one thing.
        besides: A folder that is left out.
    """
    if not root.is_dir():
        only = root.resolve() if root.is_symlink() else root
        return Walk(only, [only])
    found = Walk(root)
    inside, left_out = os.path.realpath(root), besides and os.path.realpath(besides)
    entries = 0
    pending = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        try:
            listed = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            found.failures.append(Failure(shown_path(folder), None, f"can't be listed ({error.strerror})"))
            continue
        entries += len(listed)
        if entries > MAX_ENTRIES:
            reason = f"the folder holds more than {MAX_ENTRIES} files; import a part of it"
            found.failures.append(Failure(shown_path(root), None, reason))
            break
        if any(entry.name in whole and entry.is_file(follow_symlinks=False) for entry in listed):
            found.folders.append(folder)
            continue
        deeper = []
        for entry in listed:
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                refused = _refused_link(path, inside)
                if refused:
                    found.failures.append(Failure(shown_path(path), None, refused))
            elif entry.is_dir(follow_symlinks=False):
                if left_out is None or os.path.realpath(path) != left_out:
                    deeper.append((path, depth + 1))
            elif entry.is_file(follow_symlinks=False):
                found.files.append(path)
            else:
                found.failures.append(Failure(shown_path(path), None, "is no regular file"))
        if deeper and depth == MAX_DEPTH:
            reason = f"lies {depth + 1} folders deep; at most {MAX_DEPTH} are followed"
            found.failures += [Failure(shown_path(path), None, reason) for path, _ in deeper]
        else:
            pending += reversed(deeper)
    return found


def read_bytes(path: Path, most: int) -> bytes:
    """Return what a regular file holds, without ever following a link or waiting for a pipe.

    Raises:
        SourceError: No regular file, unreadable, or larger than `most` bytes.
    """
    where = shown_path(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise SourceError(where, None, "is no regular file")
            content = file.read(most + 1) if about.st_size <= most else b""
    except OSError as error:
        raise SourceError(where, None, f"can't be read ({error.strerror})") from error
    if about.st_size > most or len(content) > most:
        raise SourceError(where, None, f"has more than {most} bytes, which is more than any circuit of this kind needs")
    return content


def read_text(path: Path, most: int = MAX_TEXT) -> str:
    """Return the text of a UTF-8 file, line ends as `\\n`.

    Raises:
        SourceError: As `read_bytes`, or the file is not UTF-8.
    """
    content = read_bytes(path, most)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"is not UTF-8 text (byte 0x{content[error.start]:02x} at offset {error.start})"
        raise SourceError(shown_path(path), line, reason) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refused_link(path: Path, inside: str) -> str | None:
    try:
        target = os.path.realpath(path, strict=True)
    except (OSError, RuntimeError):
        return "is a link that leads nowhere"
    if target != inside and not target.startswith(inside + os.sep):
        return "is a link that leads out of the folder; copy the file there instead"
    return None
