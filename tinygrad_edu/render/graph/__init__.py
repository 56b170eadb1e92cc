"""The graph as plain data: what a picture may show, and nothing of how."""
