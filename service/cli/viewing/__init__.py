"""The camera in a window: the display, the threads that read and change frames, the window."""
