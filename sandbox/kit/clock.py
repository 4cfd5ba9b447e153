"""The simulator's own clock, which a test may move forward."""

import time
from datetime import UTC, datetime, timedelta

__all__ = ["Clock"]


class Clock:
    """Tells the vendor's time: the machine's time plus what was advanced, or a fixed instant."""

    def __init__(self, fixed: datetime | None = None) -> None:
        """Run with the machine's clock, or stand still at `fixed` until it is released."""
        self._fixed = fixed
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the vendor's present instant, in UTC."""
        return (self._fixed or datetime.fromtimestamp(time.time(), tz=UTC)) + self._ahead

    def epoch_s(self) -> float:
        """Return the present instant as seconds since 1970, as tokens and signatures state it."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Move the vendor's time forward, for instance past the end of a token or of a period."""
        self._ahead += timedelta(seconds=seconds)

    def stop_at(self, instant: datetime) -> None:
        """Stand still at an instant."""
        self._fixed = instant

    def release(self) -> None:
        """Follow the machine's clock again."""
        self._fixed = None
