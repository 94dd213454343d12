"""Public conformance suites: a new engine, criterion or family gets its tests from here."""

from __future__ import annotations

from agnsim.testing.engine_circuits import engine_circuits
from agnsim.testing.engines import EngineCase, check_engine, engine_cases

__all__ = ["EngineCase", "check_engine", "engine_cases", "engine_circuits"]
