"""Webhooks: telling other programs of events by HTTP."""
