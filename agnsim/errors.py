"""Every error a user can cause. The command line prints the message alone and exits with code 2.

A message names the place (file and line, layer, circuit), the value, what is allowed, and the remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AgnsimError(Exception):
    """Base of all errors that describe a user's input or machine rather than a fault of agnsim."""


class ConfigError(AgnsimError):
    """A study file is wrong: `file:line  key: value: what is allowed`."""


class InputError(AgnsimError, ValueError):
    """A value given to a function is wrong in shape, dtype, range or content."""


class OperandRangeError(InputError):
    """An operand lies outside what the multiplier's port can hold."""


class AccumulatorOverflow(InputError):
    """The worst case of a dot product does not fit the accumulator."""


class MultiplierError(InputError):
    """A multiplier's table, widths, signs or encoding are not a multiplier."""


class DataError(InputError):
    """Images or labels are missing, misshapen, out of range or not finite."""


class LibraryError(AgnsimError):
    """A multiplier library cannot be read, or says something that its tables contradict."""


class UnknownName(AgnsimError, KeyError):
    """A name is in no registry or library."""

    __str__ = Exception.__str__  # KeyError would show the message's repr


class EngineUnavailable(AgnsimError):
    """An engine cannot run this multiplier on this machine; the message says why."""


class EngineMismatch(AgnsimError):
    """An engine's integers are not those of the definition."""


class ConversionError(AgnsimError):
    """A layer cannot be converted to an emulated one."""


class CheckpointError(AgnsimError):
    """A checkpoint does not belong to this model, quantisation or multiplier table."""


class TrainingError(AgnsimError):
    """Training cannot go on (the loss is not finite, say)."""


class RunFolderError(AgnsimError):
    """A run folder is missing, belongs to another study, or lacks a part."""


class MissingDependency(AgnsimError):
    """An optional package is needed here and is not importable."""


class BundledDataMissing(AgnsimError):
    """The installation lacks the data folders that belong to it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'? Known: a, b, x."` for an unknown name; the suggestion only where one is close.

    Of more than 40 names only the nearest are shown, and how many there are.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    suggestion = f" Did you mean {close[0]!r}?" if close else ""
    if len(names) > 40:
        nearest = difflib.get_close_matches(name, names, n=8, cutoff=0.0)
        return f"{suggestion} Known: {', '.join(nearest)}, ... ({len(names)} in all)."
    return f"{suggestion} Known: {', '.join(names)}."
