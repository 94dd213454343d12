"""What a C source may ask for, so that a hostile one ends in an error soon."""

MAX_CHARACTERS = 4 * 2**20
MAX_TOKENS = 2**18
MAX_NESTING = 64
"""Depth of parentheses, brackets and blocks in the text."""
MAX_DEPTH = 120
"""Depth of calls and blocks in evaluation; a few Python frames each."""
MAX_PARAMETERS = 16
MAX_LITERAL = 40
"""Characters of a number; 64 binary digits are nobody's way to write one."""
MAX_WORK = 2**19
"""Instructions and gate requests of one evaluation: a 16x16 multiplier takes some ten thousand, and a few seconds pass
before the limit is met. It bounds the gates too."""
MAX_SELECTED = 2**12
"""Elements of a table that an operand may choose from."""
