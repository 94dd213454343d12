"""What all figures share: palette, layout, escaping, and how they enter the page."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

INK, MUTED, GRID, GREY = "#1b2433", "#5a6577", "#e4e8ee", "#a9b0bb"
KIND_COLOUR = {
    "float": "#5a6577",
    "quantized": "#1b2433",
    "narrow": "#1b2433",
    "uniform": "#c2560a",
    "heterogeneous": "#0b5fc0",
    "pruned": "#7a3fa8",
    "pruned_heterogeneous": "#0a7d5a",
}
RUN_COLOURS = ("#0b5fc0", "#c2560a", "#0a7d5a", "#7a3fa8", "#b3153f", "#6b6400", "#00707f", "#5a6577")
# Viridis cut before its pale yellow end, which has too little contrast on white.
SEQUENCE = ("#440154", "#472f7d", "#39568c", "#2a788e", "#1f988b", "#35b779", "#74c23a", "#a5a412")


@dataclass(frozen=True)
class View:
    """A button.

    Attributes:
        label: On the button.
        ranges: What it sets in the layout, by plotly key.
        visible: Which of the traces it shows, one entry each; None: it leaves them as they are.
    """

    label: str
    ranges: dict[str, Any]
    visible: list[bool] | None = None


@dataclass(frozen=True)
class Switch:
    """A row of buttons of which one is pressed; the first is the initial one."""

    label: str
    views: list[View]


@dataclass(frozen=True)
class Choice:
    """One entry of a figure's selection list: the indices of the traces it shows."""

    label: str
    traces: list[int]


@dataclass(frozen=True)
class Figure:
    """A plot of the page.

    Attributes:
        key: Element id, unique in the page and the same for the same record.
        title: Heading of the figure.
        alt: What the plot shows, for readers who do not see it.
        caption: How to read it.
        spec: JSON of `{"data", "layout"}`, safe inside a script element.
        height: In CSS pixels.
        switches: Rows of buttons above the plot.
        choices: Selection list above the plot; the first is the initial one.
        wide: Keep a minimum width and scroll on narrow screens.
    """

    key: str
    title: str
    alt: str
    caption: str
    spec: str
    height: int
    switches: list[Switch] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    wide: bool = False


def text(value: object) -> str:
    """Escape a name for plotly, which reads a subset of HTML in its labels."""
    return html.escape(str(value), quote=False)


def ramp(position: float) -> str:
    """Return a colour of the sequential scale for a position in 0 to 1."""
    scaled = min(max(position, 0.0), 1.0) * (len(SEQUENCE) - 1)
    low = min(int(scaled), len(SEQUENCE) - 2)
    share = scaled - low
    first, second = SEQUENCE[low], SEQUENCE[low + 1]
    mixed = (round(int(first[i : i + 2], 16) * (1 - share) + int(second[i : i + 2], 16) * share) for i in (1, 3, 5))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def colorscale() -> list[list[Any]]:
    """Return the sequential scale as plotly wants it."""
    return [[i / (len(SEQUENCE) - 1), colour] for i, colour in enumerate(SEQUENCE)]


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """Return an axis in the page's style; `settings` are plotly's."""
    style = {
        "title": {"text": title, "standoff": 10},
        "gridcolor": GRID,
        "linecolor": "#8b95a5",
        "ticks": "outside",
        "tickcolor": "#8b95a5",
        "zeroline": False,
        "automargin": True,
    }
    return style | settings


def build(data: Sequence[dict[str, Any]], layout: dict[str, Any], *, height: int) -> str:
    """Return traces and layout as JSON that cannot close its script element.

    Plotly's Python classes would say the same at ten times the cost; the tests validate every figure with them.
    """
    common = {
        "template": {},
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 62, "r": 40, "t": 12, "b": 56},
        "hoverlabel": {"align": "left", "bgcolor": "#ffffff", "bordercolor": "#8b95a5", "font": {"color": INK}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "modebar": {"orientation": "v", "bgcolor": "rgba(255,255,255,0.85)", "color": "#8b95a5", "activecolor": INK},
        "height": height,
    }
    figure = {"data": list(data), "layout": common | layout}
    plain = json.dumps(figure, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def rounded(values: Sequence[float | None], digits: int = 4) -> list[float | None]:
    """Round to significant digits: more would only make the page heavier."""
    return [None if value is None else float(f"{value:.{digits}g}") for value in values]
