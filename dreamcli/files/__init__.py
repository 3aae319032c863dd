"""Pictures on disk: reading, atomic writing, the record inside each output, and plans. Knows nothing of torch."""
