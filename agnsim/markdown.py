"""Markdown: tables, and the generated blocks of pages.

A block stands between `<!-- NAME: made by COMMAND -->` and `<!-- end of NAME -->`. So that a page never says anything
but what its source says, `--check` compares the two, and a test does the same.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from agnsim.errors import AgnsimError, InputError, did_you_mean

Blocks = Mapping[str, Callable[[], str]]
"""What makes each block, by its name."""


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars within cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def render_blocks(page: str, place: str, *, command: str, blocks: Blocks) -> str:
    """Return the text of a page with the blocks of one command made anew; those of other commands stay.

    Raises:
        InputError: The page names a block that the command does not make.
    """

    def make(match: re.Match[str]) -> str:
        name = match[2]
        if name not in blocks:
            raise InputError(f"{place}: nothing generates the block {name!r}.{did_you_mean(name, blocks)}")
        return f"{match[1]}\n{blocks[name]()}\n{match[3]}"

    pattern = rf"(<!-- (\w+): made by {re.escape(command)} -->\n).*?(<!-- end of \2 -->)"
    return re.sub(pattern, make, page, flags=re.DOTALL)


def write_blocks(pages: Iterable[Path], *, command: str, blocks: Blocks, check: bool) -> int:
    """Write the pages whose blocks are out of date, or only name them; return how many there are.

    Raises:
        AgnsimError: A page names an unknown block, or what a block is made of is faulty.
    """
    stale = 0
    for path in pages:
        text = path.read_text(encoding="utf-8")
        fresh = render_blocks(text, str(path), command=command, blocks=blocks)
        if fresh != text:
            stale += 1
            print(f"{'out of date' if check else 'wrote'}: {path}")
            if not check:
                path.write_text(fresh, encoding="utf-8")
    return stale


def run_command(
    arguments: Sequence[str] | None,
    *,
    command: str,
    summary: str,
    folder: tuple[str, Path],
    pages: Callable[[Path], Iterable[Path]],
    blocks: Callable[[Path], Blocks],
) -> int:
    """Run a command that writes blocks; return 0, 1 where `--check` finds a stale page, or 2 for a user's mistake.

    Args:
        arguments: Of the command line; None: the process's own.
        command: As it stands in the comments.
        summary: One line for `--help`.
        folder: The option that names where the pages are, and its default.
        pages: The pages below that folder.
        blocks: What makes the blocks, given that folder.
    """
    option, default = folder
    parser = argparse.ArgumentParser(prog=command, description=summary)
    parser.add_argument(option, dest="folder", type=Path, default=default, metavar="DIR", help=f"default: {default}")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    options = parser.parse_args(arguments)
    try:
        if not options.folder.is_dir():
            raise InputError(f"no folder {options.folder}; run this in a checkout, or name its own with {option} DIR")
        found = write_blocks(pages(options.folder), command=command, blocks=blocks(options.folder), check=options.check)
    except (AgnsimError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if options.check and found else 0
