"""The process that holds the model, and what the server knows of it."""
