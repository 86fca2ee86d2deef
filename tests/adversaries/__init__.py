"""A network of adversaries: real processes that attack a real network while it works."""
