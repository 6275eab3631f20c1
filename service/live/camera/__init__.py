"""One camera for all viewers: one thread reads it, each frame is encoded once for those alike."""
