"""Addresses of rewards."""

from django.urls import URLPattern, URLResolver, path

from rewards import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/pi/deposits/", api.Deposits.as_view(), name="pi_deposits"),
    path("api/v1/pi/approve/", api.Approve.as_view(), name="pi_approve"),
    path("api/v1/pi/complete/", api.Complete.as_view(), name="pi_complete"),
    path("api/v1/pi/incomplete/", api.Incomplete.as_view(), name="pi_incomplete"),
    path("api/v1/pi/cancelled/", api.Cancelled.as_view(), name="pi_cancelled"),
]
