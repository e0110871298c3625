"""Addresses of rewards."""

from django.urls import URLPattern, URLResolver, path

from rewards import api
from rewards.views import payouts, statements

urlpatterns: list[URLPattern | URLResolver] = [
    path("money/", payouts.money, name="money"),
    path("money/<uuid:uuid>/cancel/", payouts.cancel, name="payout_cancel"),
    path("statements/", statements.index, name="statements"),
    path("statements/<str:code>/", statements.statement, name="statement"),
    path(
        "statements/<str:code>/csv/",
        statements.statement_csv,
        name="statement_csv",
    ),
    path("api/v1/payouts/", api.Payouts.as_view(), name="api_payouts"),
    path(
        "api/v1/payouts/<uuid:uuid>/cancel/",
        api.PayoutCancel.as_view(),
        name="api_payout_cancel",
    ),
    path("api/v1/pi/deposits/", api.Deposits.as_view(), name="pi_deposits"),
    path("api/v1/pi/approve/", api.Approve.as_view(), name="pi_approve"),
    path("api/v1/pi/complete/", api.Complete.as_view(), name="pi_complete"),
    path("api/v1/pi/incomplete/", api.Incomplete.as_view(), name="pi_incomplete"),
    path("api/v1/pi/cancelled/", api.Cancelled.as_view(), name="pi_cancelled"),
]
