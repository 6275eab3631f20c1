"""Golden images: what each operation made of four pictures, as fingerprints of the pixels.

`operations.json` beside this module has the fingerprints; `python -m tests.golden` writes it and
says what changed. A change of an operation's pixels is then a change of that file, to be reviewed.
"""
