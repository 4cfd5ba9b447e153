"""NetSuite's REST dialect: records, SuiteQL, jobs, limits and events of one demo account."""

from sandbox.netsuite.system import NetSuite, build

__all__ = ["NetSuite", "build"]
