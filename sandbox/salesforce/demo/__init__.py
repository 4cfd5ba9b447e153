"""The demo firm's CRM: real companies and contracts of a public file, with generated contacts and schedules."""

from sandbox.salesforce.demo.records import demo_records
from sandbox.salesforce.demo.source import Action, read_actions

__all__ = ["Action", "demo_records", "read_actions"]
