"""The parts of `ingest`: the folder, the connection, the two protocols, what is counted."""
