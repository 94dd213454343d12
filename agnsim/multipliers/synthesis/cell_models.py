"""Functions of the standard cells that EvoApproxLib's mapped netlists (`*_pdk45.v`) use without defining them."""

from __future__ import annotations

from collections.abc import Iterable

_GATES = {
    "AND2X1": "A & B",
    "AND2X2": "A & B",
    "OR2X1": "A | B",
    "OR2X2": "A | B",
    "XOR2X1": "A ^ B",
    "XNOR2X1": "~(A ^ B)",
    "NAND2X1": "~(A & B)",
    "NOR2X1": "~(A | B)",
}
_THREE = {
    "NAND3X1": ("A, B, C", "~(A & B & C)"),
    "NOR3X1": ("A, B, C", "~(A | B | C)"),
    "AOI21X1": ("A, B, C", "~(A & B | C)"),
    "OAI21X1": ("A, B, C", "~((A | B) & C)"),
    "MUX2X1": ("A, B, S", "S ? B : A"),  # as the same circuits' generic Verilog has it: not inverted, A where S is 0
}
_SINGLE = {"BUFX2": "A", "BUFX4": "A", "INVX1": "~A", "INVX2": "~A", "INVX4": "~A", "INVX8": "~A"}
_ADDERS = {
    "HAX1": ("A, B", "A ^ B", "A & B"),
    "FAX1": ("A, B, C", "A ^ B ^ C", "A & B | C & (A | B)"),
}


def cell_models(defined: Iterable[str]) -> str:
    """Return Verilog modules of those cells that are not `defined` already."""
    known = set(defined)
    modules = {name: f"(input A, input B, output Y); assign Y = {text};" for name, text in _GATES.items()}
    modules |= {name: f"(input {inputs}, output Y); assign Y = {text};" for name, (inputs, text) in _THREE.items()}
    modules |= {name: f"(input A, output Y); assign Y = {text};" for name, text in _SINGLE.items()}
    modules |= {
        name: f"(input {inputs}, output YS, output YC); assign YS = {total}; assign YC = {carry};"
        for name, (inputs, total, carry) in _ADDERS.items()
    }
    return "".join(f"module {name} {body} endmodule\n" for name, body in modules.items() if name not in known)
