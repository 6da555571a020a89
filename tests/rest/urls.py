"""The API mounted in other ways than at `api/`."""

from __future__ import annotations

from django.urls import include, path

from agno_memory.rest.urls import urlpatterns as api
from agno_memory.rest.urls import urls
from tests.rest.sites import OwnMemories, OwnPeople

urlpatterns = [
    path("api/", include("agno_memory.rest.urls")),
    path("bare/", include((api, "memories"), namespace="v1")),
    path("caf\u00e9 & <tea>/100%/", include((api, "memories"), namespace="v2")),
    path("<version>/api/", include((api, "memories"), namespace="versioned")),
    path("own/", include(urls(OwnMemories, OwnPeople))),
]
