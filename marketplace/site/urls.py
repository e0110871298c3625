"""Every address of the site; each app names its own."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularRedocView.as_view(url_name="schema"), name="docs"),
    path("", include("accounts.urls")),
    path("", include("blobs.urls")),
    path("", include("rewards.urls")),
    path("", include("compute.urls")),
    path("", include("labeling.urls")),
    path("", include("marketplace.urls")),
]
