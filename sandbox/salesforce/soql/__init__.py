"""The vendor's query language: parse, bind to the schema, evaluate."""

from sandbox.salesforce.soql.bind import bind_condition, bind_query
from sandbox.salesforce.soql.bound import Bound
from sandbox.salesforce.soql.parse import parse_condition, parse_query
from sandbox.salesforce.soql.run import ChildPages, Runner

__all__ = ["Bound", "ChildPages", "Runner", "bind_condition", "bind_query", "parse_condition", "parse_query"]
