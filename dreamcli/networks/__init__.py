"""The zoo: what networks there are, and how they are found and loaded."""
