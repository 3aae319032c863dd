"""Pictures on disk: reading, atomic writing, the record inside each output, folders into a plan of jobs.

Knows nothing of torch.
"""
