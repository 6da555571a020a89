"""The API as OpenAPI 3, by drf-spectacular, for the viewsets and serializers of this app and their subclasses.

``agno_memory.rest.urls`` loads ``extensions`` if ``drf_spectacular`` is installed. ``extensions``, ``schema`` and
``components`` need it; the other modules do not, because the views describe their actions with them.
"""
