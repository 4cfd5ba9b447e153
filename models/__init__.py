"""Canonical nouns: money, ids, signed terms, plans, decisions, blockers, errors."""
