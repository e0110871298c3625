"""Addresses of the work API."""

from django.urls import path

from labeling import api

api_urlpatterns = [
    path("campaigns/", api.Campaigns.as_view(), name="work_campaigns"),
    path(
        "campaigns/<uuid:campaign_uuid>/assignments/",
        api.Assignments.as_view(),
        name="work_assign",
    ),
    path(
        "assignments/<uuid:assignment_uuid>/answer/",
        api.Answer.as_view(),
        name="work_answer",
    ),
    path(
        "assignments/<uuid:assignment_uuid>/skip/",
        api.Skip.as_view(),
        name="work_skip",
    ),
    path(
        "assignments/<uuid:assignment_uuid>/report/",
        api.Report.as_view(),
        name="work_report",
    ),
]
