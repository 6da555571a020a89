"""Memories about people, kept for good: a Django reusable app."""

__version__ = "0.1.0"
