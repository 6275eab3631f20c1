"""Connections to servers that requests name: to which addresses, and for how long."""
