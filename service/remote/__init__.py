"""Images that lie elsewhere: in object stores, and on the web."""
