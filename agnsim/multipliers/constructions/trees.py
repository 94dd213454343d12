"""Column-wise multi-operand addition: reduction trees down to two numbers, and the adders that end them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agnsim.multipliers.netlists.builder import Bus, NetlistBuilder, Wire

Columns = list[list[Wire]]
"""The wires of every weight, `2**0` first."""
Adder = Callable[[NetlistBuilder, Bus, Bus, int], Bus]


def wallace_tree(
    build: NetlistBuilder, rows: Sequence[Bus], width: int, constant: int = 0, adder: Adder = NetlistBuilder.add
) -> Bus:
    """Return the low `width` bits of `constant + sum(rows)`: columns reduced three to two as early as possible.

    Source: C. S. Wallace, "A suggestion for a fast multiplier", IEEE Trans. Electronic Computers, 1964.
    """
    columns = columns_of(build, rows, width, constant)
    while max(map(len, columns)) > 2:
        reduced: Columns = [[] for _ in range(width + 1)]
        for place, column in enumerate(columns):
            for start in range(0, len(column), 3):
                group = column[start : start + 3]
                if len(group) == 3 or (len(group) == 2 and len(column) > 2):
                    bit, carry = build.full_adder(group[0], group[1], group[2] if len(group) == 3 else build.zero)
                    reduced[place].append(bit)
                    reduced[place + 1].append(carry)
                else:
                    reduced[place].extend(group)
        columns = [[w for w in column if w != build.zero] for column in reduced[:width]]
    return add_columns(build, columns, adder)


def dadda_tree(
    build: NetlistBuilder, rows: Sequence[Bus], width: int, constant: int = 0, adder: Adder = NetlistBuilder.add
) -> Bus:
    """Return the low `width` bits of `constant + sum(rows)`: columns reduced as late as possible, to 2, 3, 4, 6, 9 ...

    Source: L. Dadda, "Some schemes for parallel multipliers", Alta Frequenza 34, 1965.
    """
    columns = columns_of(build, rows, width, constant)
    for height in reversed(dadda_heights(max(map(len, columns)))):
        reduced: Columns = [[] for _ in range(width + 1)]
        for place, column in enumerate(columns):
            waiting, done = column, reduced[place]  # of this stage's carries none is added in this stage
            while (surplus := len(waiting) + len(done) - height) > 0:
                taken = 3 if surplus > 1 else 2
                bit, carry = build.full_adder(*waiting[:taken], *[build.zero] * (3 - taken))
                waiting = waiting[taken:]
                done.append(bit)
                reduced[place + 1].append(carry)
            reduced[place] = waiting + done
        columns = reduced[:width]
    return add_columns(build, columns, adder)


def dadda_heights(height: int) -> list[int]:
    """Return the heights below `height` that Dadda's stages end at, ascending: 2, 3, 4, 6, 9, 13 ..."""
    heights, following = [], 2
    while following < height:
        heights.append(following)
        following = 3 * following // 2
    return heights


def columns_of(build: NetlistBuilder, rows: Sequence[Bus], width: int, constant: int = 0) -> Columns:
    """Return the wires of `constant` and of all rows by their weight; zeros are left out.

    Args:
        build: The netlist in the making.
        rows: Numbers, each LSB first with its weight included.
        width: Number of columns; what is to the left of them is dropped.
        constant: One more number; negative ones wrap.
    """
    numbers = [*rows, build.constant(constant, width)]
    return [[wire for row in numbers if (wire := build.bit(row, place)) != build.zero] for place in range(width)]


def add_columns(build: NetlistBuilder, columns: Columns, adder: Adder = NetlistBuilder.add) -> Bus:
    """Return the sum of columns of at most two wires each, as wide as there are columns."""
    first, second = ([column[row] if len(column) > row else build.zero for column in columns] for row in (0, 1))
    return adder(build, first, second, len(columns))


def prefix_add(build: NetlistBuilder, x: Bus, y: Bus, width: int) -> Bus:
    """Return the low `width` bits of x + y: a parallel-prefix adder, log2(width) levels of carries.

    Source: J. Sklansky, "Conditional-sum addition logic", IRE Trans. Electronic Computers EC-9(2), 1960.
    """
    sums = [build.half_adder(build.bit(x, place), build.bit(y, place)) for place in range(width)]
    propagate, generate = [bit for bit, _ in sums], [carry for _, carry in sums]
    step = 1
    while step < width:
        for place in range(width):
            if place & step:
                below = place // step * step - 1
                carried = build.both(propagate[place], generate[below])
                generate[place] = build.either(generate[place], carried)
                propagate[place] = build.both(propagate[place], propagate[below])
        step *= 2
    carries = [build.zero, *generate]
    return [build.differ(bit, carry) for (bit, _), carry in zip(sums, carries, strict=False)]


def prefix_dadda_tree(build: NetlistBuilder, rows: Sequence[Bus], width: int, constant: int = 0) -> Bus:
    """Return what `dadda_tree` returns, added at the end by `prefix_add`."""
    return dadda_tree(build, rows, width, constant, prefix_add)
