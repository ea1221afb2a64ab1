"""Stable Diffusion behind OpenAI's images API, on whichever accelerator there is."""

__version__ = "0.1.0"
