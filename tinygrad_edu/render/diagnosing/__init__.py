"""What is wrong with a graph, what has changed in it, and where it broke off."""
