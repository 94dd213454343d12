"""What yosys gets to see of a Verilog file: no comments, and nothing that reads, writes, loads or runs anything.

Yosys reads files (`include`, `$readmem`), and its constant functions call into any library (`import "DPI-C"`). Only
directives and system functions that are known to be harmless pass, and no text literal does.
"""

from __future__ import annotations

import re
from pathlib import Path

from agnsim.errors import did_you_mean
from agnsim.multipliers.importers.failure import SourceError, shown_path

MAX_BYTES = 16 << 20
MAX_LINE = 1 << 20

_DIRECTIVES = frozenset(
    [
        *("timescale", "default_nettype", "resetall", "celldefine", "endcelldefine"),
        *("define", "undef", "ifdef", "ifndef", "elsif", "else", "endif"),
    ]
)
_FUNCTIONS = frozenset(("signed", "unsigned", "clog2", "bits"))
_WORDS = {
    "import": "it loads foreign functions",
    "initial": "a multiplier has no initial state",
    "bind": "it changes other modules",
}
# What has no end is matched to the file's: trying again at every later beginning would take quadratic time.
_BLANKED = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|\(\*(?!\s*\)).*?(?:\*\)|\Z)", re.DOTALL)
_REFUSED = re.compile(r"\"|``|`\s*(\w*)|(?<![\w$])\$\s*([A-Za-z_]\w*)|\b(" + "|".join(_WORDS) + r")\b")
_DEFINED = re.compile(r"`define\s+(\w+)")
_MODULE = re.compile(r"\bmodule\s+(?:\\(\S+)\s|([A-Za-z_][\w$]*))")


def read_source(path: Path) -> str:
    """Return a Verilog file's text as yosys may read it: comments and attributes blanked, lines where they were.

    Raises:
        SourceError: Too large, not UTF-8, or it holds something that could read, write, load or run.
    """
    where = shown_path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(where, None, f"can't be read ({error.strerror})") from error
    if len(content) > MAX_BYTES:
        raise SourceError(where, None, f"is larger than {MAX_BYTES >> 20} MiB; no multiplier's Verilog is")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(where, line, "is not UTF-8 text") from error
    if "\0" in text:
        raise SourceError(where, _line(text, text.index("\0")), "holds a NUL character")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for match in _BLANKED.finditer(text):
        if match.group()[:2] != "//" and match.group()[-2:] not in ("*/", "*)"):
            raise SourceError(
                where, _line(text, match.start()), f"{match.group()[:2]!r}: the comment or attribute has no end"
            )
    plain = _BLANKED.sub(_blank, text)
    _check(plain, where)
    return plain


def module_names(source: str) -> tuple[str, ...]:
    """Return the names of the modules in a blanked source, in its order."""
    return tuple(escaped or name for escaped, name in _MODULE.findall(source))


def _blank(match: re.Match[str]) -> str:
    return " " + "\n" * match.group().count("\n")


def _check(text: str, where: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            raise SourceError(where, number, f"the line is longer than {MAX_LINE >> 20} MiB")
    macros = set(_DEFINED.findall(text))
    for match in _REFUSED.finditer(text):
        directive, function, word = match.groups()
        found = match.group().strip()
        if (directive and directive in _DIRECTIVES | macros) or function in _FUNCTIONS:
            continue
        if function is not None:
            known = ", ".join(f"${name}" for name in sorted(_FUNCTIONS))
            reason = f"system functions other than {known} are not read"
        elif directive == "include":
            reason = "no other file is read; put all modules into one file"
        elif directive is not None:
            reason = f"the directive or macro is not allowed.{did_you_mean(directive, _DIRECTIVES)}"
        elif word is not None:
            reason = _WORDS[word]
        elif found == '"':
            reason = "text literals are not read"
        else:
            reason = "tokens are not pasted together"
        raise SourceError(where, _line(text, match.start()), f"{found!r}: {reason}")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
