"""What can be adjusted about each art form: one frozen dataclass each, typed and validated. Knows nothing of torch."""
