"""The architectures of the bundled networks."""
