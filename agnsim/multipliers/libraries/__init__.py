"""Libraries of circuits: on disk, in memory, and the check of everything they state."""
