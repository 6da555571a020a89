from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from demo_project import views

urlpatterns = [
    path("", views.memories, name="memories"),
    path("forget/", views.forget, name="forget"),
    path("whats-new/", views.whats_new, name="whats_new"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
