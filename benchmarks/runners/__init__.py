"""Programs that do a workload with one library and nothing of Darkroom.

Each is a process of its own, so that its memory is its own. It reads commands from standard
input, a line each, and answers each with a line: `load PATH` reads a list of jobs (see `Orders`),
`go` does them. Only `go` is timed.
"""
