"""Which backends and operations a test of the suite is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["applies"]

Test = TypeVar("Test", bound=Callable[..., Any])


def applies(condition: Callable[..., bool]) -> Callable[[Test], Test]:
    """Try it only where there is something to try: asked for each kind of backend, and the operation if it has one."""

    def marked(test: Test) -> Test:
        test.applies = condition  # type: ignore[attr-defined]
        return test

    return marked
