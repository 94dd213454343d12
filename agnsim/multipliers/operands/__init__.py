"""What real operands do to a circuit: traces of them, distributions, errors and energy under them."""
