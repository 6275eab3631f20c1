"""Comparisons of Darkroom with other ways to do the same work. `python -m benchmarks --help`."""
