"""Looking through libraries: lists, conditions, one circuit described, two libraries compared."""
