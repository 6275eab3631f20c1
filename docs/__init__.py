"""The documentation, and the code that writes the pages that the code itself is the source of."""
