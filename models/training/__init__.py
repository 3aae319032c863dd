"""How the bundled networks were made: runnable recipes, not part of the installed package."""
