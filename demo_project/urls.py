from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.authtoken.views import obtain_auth_token

from demo_project import views

urlpatterns = [
    path("", views.memories, name="memories"),
    path("forget/", views.forget, name="forget"),
    path("whats-new/", views.whats_new, name="whats_new"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("api/", include("agno_memory.rest.urls")),
    path("api/token/", obtain_auth_token, name="token"),
    # Log in and out in the browsable API.
    path("api/session/", include("rest_framework.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(), name="swagger"),
    path("api/redoc/", SpectacularRedocView.as_view(template_name="redoc.html"), name="redoc"),
    path("admin/", admin.site.urls),
]
