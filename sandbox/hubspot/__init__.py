"""The second CRM's simulator: one account of the vendor, with the interfaces a real client drives."""

from sandbox.hubspot.account import CHANGE_STAMPS
from sandbox.hubspot.demo import demo_records_here
from sandbox.hubspot.seed import plant
from sandbox.hubspot.system import DEFAULTS, HubSpotSystem
from sandbox.kit import Options, StartingState, System, World, load_records

__all__ = ["build"]


def build(options: Options) -> System:
    """Open, fill and return a simulated account."""
    world = World(options, DEFAULTS, volatile=CHANGE_STAMPS)
    system = HubSpotSystem(world)

    def seed(state: StartingState) -> None:
        plant(system.account)
        demo = state.name == "demo"
        records = demo_records_here(custom_objects=world.flag("custom_objects")) if demo else state.records
        load_records(records, system.save_as_person, system.reference)

    world.fill(seed)
    return system
