"""The operations, one family a module. A class added to a module here is in the catalogue."""
