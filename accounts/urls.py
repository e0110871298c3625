"""Addresses of accounts beside allauth's: signing in with Pi."""

from django.urls import URLPattern, URLResolver, path

from accounts import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("confirm-identity/", views.confirm_identity, name="confirm_identity"),
    path("sign-in/pi/", views.pi_sign_in, name="pi_sign_in"),
    path("pi/session/", views.pi_session, name="pi_session"),
    path("pi/simulated/<slug:call>/", views.pi_simulated, name="pi_simulated"),
    path("validation-key.txt", views.validation_key, name="pi_validation_key"),
]
