"""`tinygrad-edu verify`: every primitive at its cases, as a table, with an exit code that says it in one number."""
