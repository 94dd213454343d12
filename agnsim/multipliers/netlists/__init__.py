"""Multipliers as gates: netlists, their evaluation and what they cost without a technology."""
