"""x."""

from typing import Any

__all__ = ["demo_records"]


def demo_records() -> list[dict[str, Any]]:
    """X."""
    return []
