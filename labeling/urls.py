"""Addresses of labeling."""

from django.urls import URLPattern, URLResolver, path

from labeling import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("earn/", views.earn, name="earn"),
    path("earn/answers/", views.my_work, name="my_work"),
    path("earn/<uuid:campaign_uuid>/", views.label, name="label"),
    path("confirm-identity/", views.confirm_identity, name="confirm_identity"),
]
