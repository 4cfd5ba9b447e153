from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

__all__ = [
    "FAST_PATH",
    "LOOK_AGAIN_AFTER",
    "STORE_STEP",
    "TASK_TIMEOUT",
    "VENDOR_STEP",
    "FastPath",
    "Patience",
]


class FastPath(TypedDict):
    """Options of a local activity."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class Patience(TypedDict):
    """Options of a regular activity."""

    start_to_close_timeout: timedelta
    heartbeat_timeout: timedelta | None
    retry_policy: RetryPolicy


FAST_PATH = FastPath(start_to_close_timeout=timedelta(seconds=3), retry_policy=RetryPolicy(maximum_attempts=1))
"""First try of every step, inside the workflow task. Safe because of the ledger: after a crash it simply runs again."""

VENDOR_STEP = Patience(
    start_to_close_timeout=timedelta(seconds=45),
    heartbeat_timeout=timedelta(seconds=2),
    retry_policy=RetryPolicy(
        initial_interval=timedelta(milliseconds=500),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=20),
        maximum_attempts=7,
    ),
)
"""Second try: a killed worker is noticed after two seconds, a slow vendor may take 45; about a minute of retries, then
the process parks, so nothing retries for ever unseen."""

STORE_STEP = Patience(
    start_to_close_timeout=timedelta(seconds=10),
    heartbeat_timeout=timedelta(seconds=2),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)),
)
"""Steps that only touch our own store. They have no end: without the store nothing could be parked or refused either.
A store that is down shows in the health endpoint and as a pending activity on the run page."""

LOOK_AGAIN_AFTER = timedelta(minutes=5)
"""A stop that only waits for a system to come back is tried again by itself after this time."""

TASK_TIMEOUT = timedelta(seconds=4)
"""How soon another worker takes over a workflow task of a killed one (TEMPORAL section 11)."""
