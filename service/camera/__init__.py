"""One camera, used by one thread: it is opened, read, set, and its pictures are saved.

It knows no server: the desktop window works with it as it is, and `service/live/camera` shares it
among viewers.
"""
