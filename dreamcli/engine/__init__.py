"""Backprop to the image: freeze a network, and climb an objective's gradient with respect to the picture.

Knows torch and nothing else: no files, no command line, no prints.
"""

# here, where they can be read without importing torch
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
STATISTICS = ("gram", "moments")
# in place of a layer, for style: the picture itself, whose channels are its colours
PIXELS = ""
