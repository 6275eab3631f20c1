"""Street scenes with bicycles, painted from numbers alone.

Lengths are metres, projected to pixels by a camera; colours are BGR, 0..255.
"""
