"""Objects from outside agnsim: a user's own `module:callable`, and packages that only some features need."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from agnsim.errors import InputError, MissingDependency, UnknownName, did_you_mean


def import_optional(package: str, feature: str) -> ModuleType:
    """Import a package that only `feature` needs.

    Raises:
        MissingDependency: It cannot be imported; the message gives the reason.
    """
    try:
        return importlib.import_module(package)
    except (ImportError, OSError) as error:
        distribution = package.partition(".")[0]
        raise MissingDependency(
            f"{feature} needs the package {distribution!r}, which cannot be imported ({error}). "
            f"Install it: pip install {distribution}"
        ) from error


def import_callable(reference: str) -> Callable[..., Any]:
    """Return the callable that `module:callable` names.

    A module that is not installed is looked for in the working directory, as `python -m` does it.

    Args:
        reference: For example `my_networks:tiny` or `package.module:Class.build`.

    Raises:
        UnknownName: There is no such module or attribute.
        InputError: It is no `module:callable`, or what it names cannot be called, or the module fails at import.
        MissingDependency: The module exists, but something that it imports does not.
    """
    module_name, separator, attribute = reference.partition(":")
    if not (separator and module_name and attribute):
        raise InputError(f"{reference!r} is no reference of the form 'module:callable', such as 'my_networks:tiny'")
    found: Any = _import_module(module_name, reference)
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [name for name in vars(found) if not name.startswith("_")]
            raise UnknownName(f"{reference!r}: {module_name!r} has no attribute {part!r}.{did_you_mean(part, public)}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{reference!r} names a {type(found).__name__}, which cannot be called")
    return found  # type: ignore[no-any-return]


def _import_module(name: str, reference: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise UnknownName(
                f"{reference!r}: there is no module {name!r}; it must be installed or lie in {here}"
            ) from error
        raise MissingDependency(
            f"{reference!r}: the module {name!r} imports {error.name!r}, which is not there"
        ) from error
    except Exception as error:
        raise InputError(f"{reference!r}: importing {name!r} failed: {type(error).__name__}: {error}") from error


def call(
    function: Callable[..., Any],
    place: str,
    required: Mapping[str, Any],
    offered: Mapping[str, Any] | None = None,
    *,
    elsewhere: Iterable[str] = (),
) -> Any:
    """Call `function` by keywords and explain a wrong keyword.

    Args:
        function: What to call.
        place: Begins each message, such as `model 'resnet20'`.
        required: Keyword arguments that must be accepted.
        offered: Keyword arguments that are passed only to a function that takes them.
        elsewhere: Options that the caller has dealt with itself; a message names them among the known ones.

    Raises:
        InputError: The function does not take these keywords, or failed; an agnsim error passes unchanged.
    """
    arguments = dict(required)
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        parameters = None  # a callable written in C may have no signature; then it gets what is required
    if parameters is not None:
        takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
        names = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        for key in arguments:
            if not takes_all and key not in names:
                raise InputError(f"{place} takes no option {key!r}.{did_you_mean(key, [*names, *elsewhere])}")
        given = {k: v for k, v in (offered or {}).items() if takes_all or k in names}
        arguments = {**given, **arguments}
        missing = [n for n in names if parameters[n].default is inspect.Parameter.empty and n not in arguments]
        if missing:
            raise InputError(f"{place} needs the option{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
    try:
        return function(**arguments)
    except InputError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, RuntimeError) as error:
        raise InputError(f"{place} failed: {type(error).__name__}: {error}") from error
