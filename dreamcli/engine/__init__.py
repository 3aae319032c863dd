"""Backprop to the image: freeze a network, and climb the gradient of an objective with respect to the image.

Knows torch and nothing else: no files, no command line, no printing.
"""

# here, so that they can be read without importing torch
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
# for style, in place of a layer: the image itself, whose channels are its colors
PIXELS = ""
