"""Turns a refusal raised by an action into a page that says what to do."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework.exceptions import APIException


class RefusalPage:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Render what our own errors say; leave everything else to Django."""
        if not isinstance(exception, APIException):
            return None
        return render(
            request,
            "refusal.html",
            {"message": exception.detail},
            status=exception.status_code,
        )
