"""What happens in front of cameras: edges, the state machine of each stream, events, and telling others of them."""
