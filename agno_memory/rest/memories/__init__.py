"""Memories: create, list, read, replace, change, delete and export them."""
