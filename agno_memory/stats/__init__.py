"""Counted pictures of a store."""
