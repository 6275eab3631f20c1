"""Sending a folder of images over a WebSocket, and waiting for what comes back."""
