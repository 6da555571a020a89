"""The REST API, on Django REST framework. Mount it with ``path("api/", include("agno_memory.rest.urls"))``."""
