from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from models.errors import Fatal, NeedsRepair, NotSent, Retryable
from models.ids import OperationKey
from models.records import Effect, Guard
from ports.ledger import Intent, Ledger, OperationRow, OperationState

__all__ = ["EffectCall", "ExactlyOnce"]

EffectCall = Callable[[], Awaitable[Effect]]
FindCall = Callable[[], Awaitable[Effect | None]]


class ExactlyOnce:
    """One external write has one effect, whatever is killed, cut or repeated. DESIGN section 4.

    `index_lag_s` is how long a *guarded* vendor may take until a new record is found by its key.
    """

    def __init__(self, ledger: Ledger, *, index_lag_s: float = 0.0) -> None:
        self._ledger = ledger
        self._index_lag_s = index_lag_s
        self._turns: dict[OperationKey, tuple[asyncio.Lock, int]] = {}

    async def apply(
        self, intent: Intent, *, find: FindCall, ensure: EffectCall, one_per_key: bool = False, look_first: bool = False
    ) -> Effect:
        """Apply the operation, or learn that it was applied before.

        `one_per_key` is for records that several engagements share (the customer): whoever comes second takes the
        record that is there, even if it would have spelled it differently. `look_first` is for records that the plan
        compared with the ERP and found on the signed terms: they are taken as they are, without a write, even if a name
        in them is spelt differently by now.
        Raises NeedsRepair when the key was applied with other terms, and what the connector raises.
        """
        async with self._turn(intent.key):
            return await self._apply(intent, find=find, ensure=ensure, one_per_key=one_per_key, look_first=look_first)

    @asynccontextmanager
    async def _turn(self, key: OperationKey) -> AsyncIterator[None]:
        """One at a time per key in this process: two deals for one new customer take turns instead of racing."""
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[key]
            if waiting == 1:
                del self._turns[key]
            else:
                self._turns[key] = (lock, waiting - 1)

    async def _apply(
        self, intent: Intent, *, find: FindCall, ensure: EffectCall, one_per_key: bool, look_first: bool
    ) -> Effect:
        row = await self._ledger.intend(intent)
        if row.state is OperationState.APPLIED:
            return self._known(row, intent, takes_what_is_there=one_per_key or look_first)
        if not row.is_first and row.connection:
            _same_system(row.connection, intent)
        if (look_first or not row.is_first) and (found := await self._evidence(intent, find)) is not None:
            await self._ledger.settle_applied(intent.key, found, evidence="found by its key")
            return found
        return await self._write(intent, ensure)

    def _known(self, row: OperationRow, intent: Intent, *, takes_what_is_there: bool) -> Effect:
        if row.effect is None:
            raise Fatal(f"The ledger says {intent.key} was applied, but not to what.", record=intent.key)
        _same_system(row.effect.ref.connection, intent)
        if row.payload_hash != intent.payload_hash and not takes_what_is_there:
            raise NeedsRepair(
                f"Step {intent.step} of {intent.engagement} was already written with other terms. "
                "Changed terms need a signed change order; nothing was written now.",
                code="TL-CHG-000",
                record=intent.engagement,
                field=intent.step,
            )
        return row.effect.model_copy(update={"created": False, "changed": False})

    async def _evidence(self, intent: Intent, find: FindCall) -> Effect | None:
        """Whether an earlier attempt landed; on a guarded write, absence counts only after the vendor's index lag."""
        if intent.guard is Guard.MANUAL:
            raise NeedsRepair(
                f"Nobody knows whether step {intent.step} of {intent.engagement} was done. "
                "Look in the ERP and say: record found, or not found.",
                code="TL-INT-001",
                record=intent.engagement,
                field=intent.step,
            )
        found = await find()
        if found is None and intent.guard is Guard.GUARDED:
            await asyncio.sleep(self._index_lag_s)
            found = await find()
        return found

    async def _write(self, intent: Intent, ensure: EffectCall) -> Effect:
        try:
            effect = await ensure()
        except (NotSent, NeedsRepair, Fatal) as refused:
            await self._ledger.settle_not_applied(intent.key, reason=f"{refused.code}: {refused.message}")
            raise
        except Retryable as lost:  # OutcomeUnknown, or a connector that cannot tell: both need evidence
            await self._ledger.mark_unknown(intent.key, reason=lost.message)
            raise
        await self._ledger.settle_applied(intent.key, effect, evidence="answered", written=intent)
        return effect


def _same_system(connection: str, intent: Intent) -> None:
    """A rule that moves a company to another ERP must not make a second record of what was begun in the first."""
    if connection != intent.connection:
        raise NeedsRepair(
            f"Step {intent.step} of {intent.engagement} was begun in {connection}; the rules now say "
            f"{intent.connection}. Let the new rule start on a later day of signature, then repair. "
            "Nothing was written now.",
            code="TL-CON-020",
            record=intent.engagement,
            field=intent.step,
        )
