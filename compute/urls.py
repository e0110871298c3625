"""Addresses of compute: the operator's pages, and what nodes call."""

from django.urls import path

from compute import api, views
from compute.agent import protocol


def at(address: str) -> str:
    """Return a path of the protocol as Django writes it."""
    return address.removeprefix("/")


urlpatterns = [
    path("nodes/", views.nodes, name="nodes"),
    path("nodes/<uuid:node_uuid>/remove/", views.remove, name="remove_node"),
    path(at(protocol.ENROLL), api.Enroll.as_view()),
    path(at(protocol.HELLO), api.Hello.as_view()),
    path(at(protocol.CLAIM), api.Claim.as_view()),
    path(at(protocol.RENEW), api.Renew.as_view()),
    path(at(protocol.RESULTS), api.Results.as_view()),
    path(at(protocol.RELEASE), api.Release.as_view()),
    path(at(protocol.WHY), api.Why.as_view()),
]
