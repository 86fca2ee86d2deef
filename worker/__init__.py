"""A compute network that pays only for work that was checked."""

__version__ = "0.1.0"
