"""Telling others of events: by MQTT and by webhooks, through one outbox."""
