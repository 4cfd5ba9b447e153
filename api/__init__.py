"""Webhooks in, status out."""
