"""The synthesis recipes: how ABC restructures a circuit before and while it maps it to cells.

Sources: R. Brayton, A. Mishchenko, "ABC: an academic industrial-strength verification tool", CAV 2010; the scripts
resyn2, compress2rs and dc2 are ABC's own standard sequences.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

AS_DRAWN = "as_drawn"
"""The recipe without ABC: every gate becomes its cell, constants propagated, equal gates shared, dead ones removed."""

_RESYN2 = "balance; rewrite; refactor; balance; rewrite; rewrite -z; balance; refactor -z; rewrite -z; balance"
_COMPRESS2RS = (
    "balance -l; resub -K 6 -l; rewrite -l; resub -K 6 -N 2 -l; refactor -l; resub -K 8 -l; balance -l; "
    "resub -K 8 -N 2 -l; rewrite -l; resub -K 10 -l; rewrite -z -l; resub -K 10 -N 2 -l; balance -l; "
    "resub -K 12 -l; refactor -z -l; resub -K 12 -N 2 -l; rewrite -z -l; balance -l"
)


@dataclass(frozen=True)
class Recipe:
    """One way through ABC.

    Attributes:
        name: Recorded in `Cost.recipe`.
        optimise: Commands before mapping, on the and-inverter graph.
        map: Commands that map to cells; `{D}` stands for the clock constraint (`amap` takes none).
        finish: Commands behind them.
    """

    name: str
    optimise: str
    map: str
    finish: str = ""

    def commands(self, clock_ps: float | None = None) -> list[str]:
        """Return ABC's commands, with a required time of every path in picoseconds where `clock_ps` is given."""
        constraint = f" -D {clock_ps:g}" if clock_ps is not None else ""
        commands = f"strash; {self.optimise}; {self.map}; {self.finish}".replace("{D}", constraint)
        return [command for part in commands.split(";") if (command := part.strip())]

    def timed(self, *, sized: bool) -> Recipe:
        """Return the recipe with a report of the delay behind it and, if `sized`, buffers and sizes chosen for it."""
        sizing = "buffer -c; topo; upsize{D}; dnsize{D}; " if sized else ""
        return replace(self, finish=f"topo; {sizing}stime -p")


_CHOICES = "ifraig; scorr; dc2; strash; dch -f"

RECIPES = (
    Recipe("map", "", "map{D}"),
    Recipe("nf", "", "&get -n; &nf{D}; &put"),
    Recipe("dch_map", _CHOICES, "map{D}"),
    Recipe("dch_amap", _CHOICES, "amap"),
    Recipe("resyn2", _RESYN2, "map -a{D}"),
    Recipe("compress2rs", _COMPRESS2RS, "map -a{D}"),
    Recipe("dc2", "dc2; dc2; dc2; dc2", "amap"),
)
"""What every circuit is tried with, beside `AS_DRAWN`: fast and small mapping, with and without structural choices."""
