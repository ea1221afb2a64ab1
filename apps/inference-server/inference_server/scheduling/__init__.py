"""Which images are made together, and when."""
