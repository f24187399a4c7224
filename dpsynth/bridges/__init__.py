"""Foreign synthesizers, each run out of process in an environment of its own."""
