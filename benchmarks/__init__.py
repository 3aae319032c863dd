"""Speed and memory, measured against a bare loop on the same machine in the same run."""
