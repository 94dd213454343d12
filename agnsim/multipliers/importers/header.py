"""The comment above a published circuit: its errors, its cost, and what to cite.

EvoApproxLib writes `// MAE = 4.2` and `// PDK45_PWR = 0.410 mW`; EvoApprox8b `/// MAE = 288.92786` and
`///  Power  (45) = 168.20`, in microwatts, for a 180 nm and a 45 nm process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agnsim.multipliers.cost import Cost
from agnsim.multipliers.published import parse_figure

TECHNOLOGY = "FreePDK45"
TECHNOLOGY_180 = "180 nm"

_MOST = 16384  # characters; a header is the first thing in its file
_LINE = re.compile(
    r"[ \t]*(?://+|/?\*+)[ \t]*"
    r"([A-Z][A-Za-z0-9]{1,7}(?:_[A-Z]{3,5})?)[ \t]*(%|\([0-9]{2,3}\))?[ \t]*=[ \t]*([^\s*]{1,40}[ \t]*%?)",
    re.ASCII,
)
_CITATION = re.compile(r"please cite the following article\(s\):[ \t]*(.{1,600})")
# Key in the file: metric. EvoApprox8b's `MRE` is over another denominator than EvoApproxLib's `MRE%`: not compared.
_ERRORS = {
    ("MAE", ""): "mae",
    ("WCE", ""): "wce",
    ("MSE", ""): "mse",
    ("EP", "%"): "ep",
    ("EP", ""): "ep",
    ("MRE", "%"): "mre",
}


@dataclass(frozen=True)
class Header:
    """What is published of a circuit.

    Attributes:
        published: Error figures as written, by metric.
        library: `"evoapproxlib"`, `"evoapprox8b"`, or `None` for a header of neither.
        figures: Costs by technology, each by the name of the figure in `Cost`.
        citation: What to cite, or `None`.
    """

    published: Mapping[str, str]
    library: str | None
    figures: Mapping[str, Mapping[str, Any]]
    citation: str | None

    def costs(self, flow: str) -> tuple[Cost | None, tuple[Cost, ...]]:
        """Return the cost in 45 nm and those of other processes, measured in a flow."""
        costs = {process: Cost(process, flow, **figures) for process, figures in self.figures.items()}
        first = costs.pop(TECHNOLOGY, None)
        return first, tuple(costs.values())


def parse_header(text: str) -> Header:
    """Return what the comments at the start of a file publish; a line that is no figure says nothing."""
    published: dict[str, str] = {}
    figures: dict[str, dict[str, Any]] = {}
    start = text[:_MOST]
    for line in start.splitlines():
        match = _LINE.match(line)
        figure = parse_figure(match[3]) if match else None
        if match is None or figure is None:
            continue
        key, mark, value = match[1], match[2] or "", match[3].strip()
        metric = _ERRORS.get((key, mark))
        if metric is not None:
            percent = mark == "%" and not value.endswith("%")
            published.setdefault(metric, f"{value} %" if percent else value)
            continue
        cost = _COSTS.get((key, mark))
        if cost is not None:
            technology, name, unit = cost
            figures.setdefault(technology, {}).setdefault(name, float(figure[0]) * unit)
    cited = _CITATION.search(start)
    citation = "".join(filter(str.isprintable, cited[1])).strip() if cited else None
    return Header(published, _library(start), figures, citation or None)


def _library(text: str) -> str | None:
    lowered = text.lower()
    if "library = evoapprox8b" in lowered or "from evoapprox8b dataset" in lowered:
        return "evoapprox8b"
    return "evoapproxlib" if "evoapproxlib" in lowered else None


# Key in the file: process, name in `Cost`, and the unit in that of `Cost`.
_COSTS = {
    ("PDK45_PWR", ""): (TECHNOLOGY, "power_mw", 1.0),
    ("PDK45_AREA", ""): (TECHNOLOGY, "area_um2", 1.0),
    ("PDK45_DELAY", ""): (TECHNOLOGY, "delay_ns", 1.0),
    **{
        (key, f"({size})"): (process, name, unit)
        for size, process in ((45, TECHNOLOGY), (180, TECHNOLOGY_180))
        for key, name, unit in (("Power", "power_mw", 1e-3), ("Area", "area_um2", 1.0), ("Delay", "delay_ns", 1.0))
    },
}
