"""SVG of our own, where an engine has placed the cards, or none is there."""
