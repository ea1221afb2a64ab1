"""From an imported model to an artefact for one kind of device, and what a server asks of it."""
