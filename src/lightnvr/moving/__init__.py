"""Moving in: taking over what the original LightNVR has, without touching it."""
