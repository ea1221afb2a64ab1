"""HTTP: what clients, probes and SageMaker ask."""
