"""The engine: nodes, what is recorded, primitives and their rules, and the two sweeps. Read in that order."""
