"""The CRM simulator: one org of the vendor, with the REST interface a real client drives."""

from sandbox.kit import Options, StartingState, System, World, load_records
from sandbox.salesforce.demo import demo_records
from sandbox.salesforce.org import CHANGE_STAMPS
from sandbox.salesforce.seed import plant
from sandbox.salesforce.system import DEFAULTS, SalesforceSystem

__all__ = ["build"]


def build(options: Options) -> System:
    """Open, fill and return a simulated org."""
    world = World(options, DEFAULTS, volatile=CHANGE_STAMPS)
    system = SalesforceSystem(world)

    def seed(state: StartingState) -> None:
        planted = plant(system.org)
        records = demo_records(planted.price_book, planted.owners) if state.name == "demo" else state.records
        load_records(records, system.save_as_person, system.reference)

    world.fill(seed)
    return system
