"""Pickles from outside, read without the standard loader, which would run whatever they say."""
