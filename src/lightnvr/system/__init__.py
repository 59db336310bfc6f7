"""The server itself: its stored settings, what it logged lately, the machine it runs on."""
