"""Inbox, operations, bindings, plans, decisions, blockers, audit chain and watermarks, in SQL."""
