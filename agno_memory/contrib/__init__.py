"""Rooms for other libraries, each in a package of its own. The core does not import them."""
