"""Addresses of the clients' pages and API."""

from django.urls import include, path

from marketplace.api import catalogue, datasets, projects
from marketplace.views import datasets as dataset_pages
from marketplace.views import home as home_pages
from marketplace.views import keys as key_pages
from marketplace.views import projects as project_pages
from marketplace.views import wallet as wallet_pages

api_urlpatterns = [
    path("datasets/", datasets.Datasets.as_view()),
    path("datasets/<uuid:uuid>/", datasets.DatasetDetail.as_view()),
    path("datasets/<uuid:uuid>/items/", datasets.Items.as_view(), name="api_items"),
    path("projects/", projects.Projects.as_view()),
    path("projects/<uuid:uuid>/", projects.ProjectDetail.as_view()),
    path("projects/<uuid:uuid>/quote/", projects.ProjectQuote.as_view()),
    path("projects/<uuid:uuid>/fund/", projects.ProjectFund.as_view()),
    path("projects/<uuid:uuid>/unfund/", projects.ProjectUnfund.as_view()),
    path("projects/<uuid:uuid>/launch/", projects.ProjectLaunch.as_view()),
    path("projects/<uuid:uuid>/pause/", projects.ProjectPause.as_view()),
    path("projects/<uuid:uuid>/resume/", projects.ProjectResume.as_view()),
    path("projects/<uuid:uuid>/close/", projects.ProjectClose.as_view()),
    path("projects/<uuid:uuid>/export/<slug:form>/", projects.ProjectExport.as_view()),
    path("models/", catalogue.Models.as_view()),
    path("wallet/", catalogue.Wallet.as_view()),
]

urlpatterns = [
    path("api/v1/", include(api_urlpatterns)),
    path("", home_pages.landing, name="landing"),
    path("home/", home_pages.home, name="home"),
    path("organization/new/", home_pages.organization_new, name="organization_new"),
    path("datasets/", dataset_pages.datasets, name="datasets"),
    path("datasets/<uuid:uuid>/", dataset_pages.dataset, name="dataset"),
    path("projects/", project_pages.projects, name="projects"),
    path("projects/new/", project_pages.project_new, name="project_new"),
    path("projects/new/quote/", project_pages.quote, name="quote"),
    path("projects/<uuid:uuid>/", project_pages.project, name="project"),
    path(
        "projects/<uuid:uuid>/progress/",
        project_pages.project_progress,
        name="project_progress",
    ),
    path(
        "projects/<uuid:uuid>/results/",
        project_pages.project_results,
        name="project_results",
    ),
    path("projects/<uuid:uuid>/fund/", project_pages.project_fund, name="project_fund"),
    path(
        "projects/<uuid:uuid>/export/<slug:form>/",
        project_pages.project_export,
        name="project_export",
    ),
    path(
        "projects/<uuid:uuid>/<slug:verb>/",
        project_pages.project_turn,
        name="project_turn",
    ),
    path("wallet/", wallet_pages.wallet, name="wallet"),
    path("wallet/withdraw/", wallet_pages.withdraw, name="withdraw"),
    path(
        "wallet/withdrawals/<uuid:uuid>/cancel/",
        wallet_pages.withdrawal_cancel,
        name="withdrawal_cancel",
    ),
    path("keys/", key_pages.keys, name="keys"),
    path("keys/<int:key_id>/revoke/", key_pages.key_revoke, name="key_revoke"),
]
