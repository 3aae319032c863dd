"""The art forms: each a frozen dataclass of settings, and the function that makes the picture."""
