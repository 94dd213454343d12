"""Run yosys on sources of ours, in a process and a folder of its own."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agnsim.multipliers.importers.failure import SourceError, shown_text
from agnsim.multipliers.synthesis import yosys_child
from agnsim.multipliers.synthesis.process import last_words, run_limited
from agnsim.multipliers.synthesis.tools import synthesis_tools

SECONDS = 120.0
MAX_JSON = 32 << 20
_RESULT = "result.json"
_UNDRIVEN = re.compile(r"^Warning: Wire [^\s\\]+\.\\(\S+) (?:\[\d+\] )?is used but has no driver", re.MULTILINE)
_UNDECLARED = re.compile(r"Warning: Identifier `\\(\S+)' is implicitly declared")
_ERROR = re.compile(r"^(?:(?P<file>[\w.]+):(?P<line>\d+): )?ERROR: (?P<message>.*)$", re.MULTILINE)


class Elaborated(NamedTuple):
    """What yosys made of sources.

    Attributes:
        design: What `write_json` gives.
        undriven: Names of the wires that are read and that nothing drives, as the command `check` found them, with
            those that yosys made up because they are declared nowhere.
    """

    design: dict[str, Any]
    undriven: tuple[str, ...]


def yosys_json(sources: Mapping[str, str], commands: Sequence[str], *, where: Mapping[str, str]) -> Elaborated:
    """Return the design that results from running commands of yosys.

    Args:
        sources: File name in the private folder (letters, digits, `_`, `.`) and text of every source.
        commands: Yosys commands.
        where: What messages call a source instead of its name there; the first is the user's file.

    Raises:
        SourceError: Yosys reports an error; the message is its own, with file and line.
        MultiplierError: It takes too much time or memory.
        MissingDependency: pyosys is not installed.
    """
    tools = synthesis_tools()
    with tempfile.TemporaryDirectory(prefix="agnsim-yosys-") as scratch:
        folder = Path(scratch)
        for name, text in sources.items():
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "script.ys").write_text("\n".join([*commands, f"write_json {_RESULT}"]) + "\n", encoding="utf-8")
        command = [sys.executable, "-I", yosys_child.__file__, str(tools.packages), "script.ys"]
        users = next(iter(where.values()))
        status, log = run_limited(command, folder, seconds=SECONDS, what=f"yosys on {users}")
        result = folder / _RESULT
        if status or not result.is_file():
            raise _source_error(log, where)
        if result.stat().st_size > MAX_JSON:
            raise SourceError(users, None, "the circuit is too large")
        parsed: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return Elaborated(parsed, _undriven(log))


def _undriven(log: str) -> tuple[str, ...]:
    names = dict.fromkeys(_UNDRIVEN.findall(log))
    undeclared = set(_UNDECLARED.findall(log))
    return tuple(shown_text(name) + (" (not declared)" if name in undeclared else "") for name in names)


def _source_error(log: str, where: Mapping[str, str]) -> SourceError:
    users = next(iter(where.values()))
    found = _ERROR.search(log)
    if found is None:
        return SourceError(users, None, f"yosys failed: {last_words(log)}")
    file, line, message = found.group("file"), found.group("line"), found.group("message").strip()
    for name, shown in where.items():
        message = message.replace(f"`{name}'", shown).replace(f"{name}:", f"{shown}:")
    return SourceError(where.get(file or "", users), int(line) if line else None, f"yosys: {message}")
