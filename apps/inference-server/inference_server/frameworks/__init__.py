"""What runs a model on an accelerator, a module for each; only the chosen one is imported."""
