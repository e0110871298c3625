"""Addresses of labeling."""

from django.urls import URLPattern, URLResolver, include, path

from labeling import views
from labeling.api_urls import api_urlpatterns

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/work/", include(api_urlpatterns)),
    path("earn/", views.earn, name="earn"),
    path("earn/answers/", views.my_work, name="my_work"),
    path("earn/<uuid:campaign_uuid>/", views.label, name="label"),
]
