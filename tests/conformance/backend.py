"""What the suite needs of a system behind a connector, and the operations it tries on each."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from connector_kit import ConnectorSpec
from models.ids import Step
from models.operations import CancelEngagement, EnterPurchaseOrder, HoldEngagement, ReleaseEngagement
from models.records import Effect, Guard, Links, RecordRef
from tests.conformance.middle import Asked, Middle
from tests.connectors.netsuite import samples

__all__ = ["ERP_OPERATIONS", "Backend", "ErpBackend", "Operation", "Snapshot"]

Snapshot = dict[str, list[str]]
"""Every live record of the system as text, by its kind; read past the interface that the connector uses."""


@dataclass(frozen=True)
class Operation:
    """One write of a port, with its look-up."""

    name: str
    capability: str
    ensure: str
    find: str
    request: Callable[[Any, Links], Any]
    needle: str = ""
    """Text that stands on the record this makes; empty where it makes none."""
    needs: tuple[str, ...] = ()
    is_like: str = ""
    """Another operation that is made of the same calls: what only depends on the calls is tried there."""


@dataclass
class Backend(ABC):
    """One running system with a relay in front of it."""

    name: ClassVar[str]
    spec: ClassVar[ConnectorSpec[Any]]
    operations: ClassVar[tuple[Operation, ...]]
    tried: ClassVar[frozenset[str]] = frozenset()
    """Operations that the suite tries; all when empty. The rest is the same code as at another backend."""
    renews_tokens: ClassVar[bool] = True
    """Whether the sign-in has an end and can be renewed by us."""
    reads: ClassVar[str] = r"^$"
    """Requests that change nothing although they are no GET, as `METHOD target`."""
    sign_in: ClassVar[str] = r"^$"

    middle: Middle
    done: dict[str, Effect] = field(default_factory=dict, init=False)

    @abstractmethod
    def adapter(self) -> Any:
        """The adapter as another process has it, by way of the relay."""

    @abstractmethod
    async def warm(self, adapter: Any) -> None:
        """Sign in and read what is kept, so that a test counts only what an operation takes."""

    @abstractmethod
    def guard(self, adapter: Any, operation: Operation) -> Guard:
        """What the connector says of an operation."""

    @abstractmethod
    async def snapshot(self) -> Snapshot:
        """Every live record."""

    @abstractmethod
    async def whole_deal(self, adapter: Any) -> None:
        """Everything that one deal takes of this system."""

    async def expire(self) -> None:
        """End every token that was given."""
        raise NotImplementedError(f"{self.name} has no tokens that end")

    def expired(self) -> bytes:
        """How the system says that a token has ended."""
        return b"{}"

    def is_sign_in(self, asked: Asked) -> bool:
        """Whether this is the token desk."""
        return re.search(self.sign_in, asked.target) is not None

    def is_data(self, asked: Asked) -> bool:
        """Whether this is about records."""
        return not self.is_sign_in(asked)

    def is_write(self, asked: Asked) -> bool:
        """Whether this may change something."""
        is_read = asked.method == "GET" or re.search(self.reads, f"{asked.method} {asked.target}")
        return self.is_data(asked) and not is_read

    def counted(self) -> tuple[int, int]:
        """Calls about records that came by, and how many of them were writes."""
        return sum(map(self.is_data, self.middle.asked)), sum(map(self.is_write, self.middle.asked))

    def links(self) -> Links:
        """What was prepared."""
        return Links(refs={Step(step): effect.ref for step, effect in self.done.items()})

    async def prepare(self, operation: Operation) -> None:
        """Bring the system to where this operation is next."""
        adapter = self.adapter()
        by_name = {one.name: one for one in self.operations}
        for name in operation.needs:
            self.done[name] = await self.ensure(adapter, by_name[name])
        self.middle.calm()

    async def ready(self) -> Any:
        """A warm adapter of another process; what came by until now is forgotten."""
        adapter = self.adapter()
        await self.warm(adapter)
        self.middle.calm()
        return adapter

    async def ensure(self, adapter: Any, operation: Operation) -> Effect:
        """Run the write."""
        effect: Effect = await getattr(adapter, operation.ensure)(operation.request(self, self.links()), self.links())
        return effect

    async def find(self, adapter: Any, operation: Operation) -> Effect | None:
        """Run the look-up."""
        request = operation.request(self, self.links())
        found: Effect | None = await getattr(adapter, operation.find)(request, self.links())
        return found


class ErpBackend(Backend):
    """A system behind `ports.erp.Erp`."""

    async def warm(self, adapter: Any) -> None:
        """The chart is what every write needs."""
        await adapter.get_chart()

    def guard(self, adapter: Any, operation: Operation) -> Guard:
        """As the traits say; whatever sets fields of records that exist is one trait."""
        of = {"release": "hold", "cancellation": "hold", "purchase-order": "hold"}.get(operation.name, operation.name)
        guard: Guard = getattr(adapter.traits, of.replace("-", "_"))
        return guard

    async def whole_deal(self, adapter: Any) -> None:
        """Survey, the set-up with one contact, and the read-back."""
        await adapter.survey(samples.question())
        for operation in self.operations[:6]:
            if operation.name != "cost-centre":
                self.done[operation.name] = await self.ensure(adapter, operation)
        links = self.links()
        contract, project, schedule = (links.of(Step(step)) for step in ("contract", "project", "billing-schedule"))
        await adapter.read_back(contract, project, (schedule,))

    async def deactivate(self, step: str, ref: RecordRef) -> bool:
        """Switch the record off as a person does. False where the system has no such state."""
        del step, ref
        return False

    async def make_twin(self, step: str, ref: RecordRef) -> bool:
        """Give a second record what must be on one only. False where the system does not let that be."""
        del step, ref
        return False


def _engagement(make: type[Any], **more: str) -> Callable[[Any, Links], Any]:
    def request(_: Any, links: Links) -> Any:
        return make(
            key=samples.key("hold-one"), project=links.of(Step("project")), contract=links.of(Step("contract")), **more
        )

    return request


def _plain(make: Callable[..., Any], **more: Any) -> Callable[[Any, Links], Any]:
    return lambda backend, _: make(**{name: value(backend) for name, value in more.items()})


_SET_UP = ("customer", "project", "billing-schedule", "contract")
ERP_OPERATIONS = (
    Operation("customer", "customers", "ensure_customer", "find_customer", _plain(samples.customer),
              samples.CUSTOMER_KEY),
    Operation("contact", "contacts", "ensure_contact", "find_contact", _plain(samples.contact), "-003000000000001aaa",
              ("customer",)),
    Operation("cost-centre", "cost-centres", "ensure_cost_centre", "find_cost_centre", _plain(samples.cost_centre),
              "Laboratory"),
    Operation("project", "projects", "ensure_project", "find_project", _plain(samples.project), samples.PROJECT_KEY,
              _SET_UP[:1]),
    Operation("billing-schedule", "billing-schedules", "ensure_billing_schedule", "find_billing_schedule",
              _plain(samples.schedule, billing_rule=lambda backend: backend.billing_rule), samples.SCHEDULE_KEY,
              _SET_UP[:2]),
    Operation("contract", "contracts", "ensure_contract", "find_contract", _plain(samples.contract),
              samples.CONTRACT_KEY, _SET_UP[:3]),
    Operation("hold", "holds", "ensure_hold", "find_hold", _engagement(HoldEngagement, reason="The deal was lost."),
              needs=_SET_UP),
    Operation("release", "holds", "ensure_release", "find_release", _engagement(ReleaseEngagement),
              needs=(*_SET_UP, "hold"), is_like="hold"),
    Operation("cancellation", "holds", "ensure_cancellation", "find_cancellation",
              _engagement(CancelEngagement, reason="The deal was lost."), needs=_SET_UP, is_like="hold"),
    Operation("purchase-order", "holds", "ensure_purchase_order", "find_purchase_order",
              _engagement(EnterPurchaseOrder, po_number="88-12"), needs=_SET_UP, is_like="hold"),
)  # fmt: skip
