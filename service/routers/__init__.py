"""The HTTP interface: one thin module a resource, which parses, calls and returns."""
