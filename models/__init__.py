"""What the bundled networks are made of: weights and cards; how they were made is in training/."""
