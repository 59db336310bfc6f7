"""Programs that write documents of this repository."""
