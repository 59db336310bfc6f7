"""Playing what was recorded: a span of time as one playlist, and the way from a moment to a file."""
