"""The API as OpenAPI 3, by drf-spectacular, for the viewsets and serializers of this app and their subclasses.

Loaded by ``agno_memory.rest.urls`` where ``drf_spectacular`` is installed, and by nobody else.
"""

from agno_memory.rest.openapi import extensions

__all__ = ["extensions"]
