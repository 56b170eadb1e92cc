"""A computation one operation at a time: in symbols, in numbers, in pictures that do not move."""
