"""From nodes to cards: what is drawn as one, and what is said of it."""
