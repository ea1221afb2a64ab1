"""From a folder or a hub's id to files that may be trusted."""
