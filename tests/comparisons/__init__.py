"""The values of operations beside those of Pillow, scikit-image, SciPy and matplotlib.

Beside plain OpenCV they stand in tests/processors; here is what others compute by code of their
own. A case is a use, the same by the other library, and how far the two may be apart.
"""
