"""What everything looks like: colours, letters, numbers."""
