"""Folders of images over TCP: the original protocol and ours, on one port."""
