"""Where the figures come from: commit, versions, seeds, digests, command, configuration, times."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from agnsim.report.numbers import count, duration
from agnsim.report.record import Record, Timing


@dataclass(frozen=True)
class Provenance:
    """Facts as pairs of name and value, grouped under headings.

    Attributes:
        groups: `(heading, pairs)`; values that the record lacks are left out.
        command: The command line that made the run.
        config: The resolved configuration as YAML.
        timings: `(stage, duration, share of the longest, note)`.
    """

    groups: list[tuple[str, list[tuple[str, str]]]]
    command: str
    config: str
    timings: list[tuple[str, str, float, str]]


def provenance(record: Record) -> Provenance:
    """Collect what it takes to repeat the run."""
    data, model, reference = record.data, record.model, record.reference_multiplier
    groups: list[tuple[str, list[tuple[str, object]]]] = [
        ("Study", [("configuration digest", record.study.config_digest), *_plain(record.seeds)]),
        (
            "Data",
            [
                ("data set", data.name),
                ("classes", data.classes),
                ("training images", count(data.train)),
                ("selection images", count(data.selection)),
                ("report images", count(data.report)),
                ("all test images", count(data.all_test)),
                ("digest", data.digest),
            ],
        ),
        (
            "Network",
            [("name", model.name), ("parameters", count(model.parameters)), ("MACs a sample", count(model.macs))],
        ),
        ("Environment", [(name, _environment(name, value)) for name, value in record.environment.items()]),
    ]
    if reference is not None:
        pairs: list[tuple[str, object]] = [
            ("name", reference.name),
            ("flow", reference.flow),
            ("technology", reference.technology),
            ("digest", reference.digest),
        ]
        groups.insert(3, ("Reference multiplier", pairs))
    written = [
        (heading, [(name, str(value)) for name, value in pairs if value not in (None, "")]) for heading, pairs in groups
    ]
    return Provenance(
        groups=[(heading, pairs) for heading, pairs in written if pairs],
        command=record.study.command or "",
        config=yaml.safe_dump(record.study.config, sort_keys=False, allow_unicode=True) if record.study.config else "",
        timings=_timings(record.timings),
    )


def _plain(values: dict[str, object]) -> list[tuple[str, object]]:
    return list(values.items())


def _environment(name: str, value: object) -> object:
    is_time = name == "seconds" and isinstance(value, int | float)
    return f"{value} ({duration(float(value))})" if is_time and isinstance(value, int | float) else value


def _timings(timings: list[Timing]) -> list[tuple[str, str, float, str]]:
    longest = max((timing.seconds or 0.0 for timing in timings), default=0.0) or 1.0
    return [
        (
            timing.stage,
            duration(timing.seconds),
            (timing.seconds or 0.0) / longest,
            "from the store" if timing.cached else "",
        )
        for timing in timings
    ]
