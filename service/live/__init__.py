"""What is live: images over WebSocket, and the camera."""
