"""Cards as DOT, and the engines that place them."""
