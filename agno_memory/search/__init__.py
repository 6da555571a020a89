"""How a search finds and orders memories."""
