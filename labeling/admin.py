"""Labeling for staff: everything to be read, disputed tasks to be decided."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ValidationError

from accounts.authentication import person_of
from accounts.models import Person
from blobs import queries as blobs_queries
from labeling import actions, queries
from labeling.forms import DecideForm
from labeling.models import (
    Answer,
    AnswerDecision,
    Assignment,
    Campaign,
    Report,
    Task,
    Verdict,
)
from rewards.admin import ReadOnlyAdmin
from rewards.money import to_text

WITH_REVIEWER = f"?status__exact={Task.Status.ESCALATED}"


def _in_words(error: APIException) -> list[str]:
    if isinstance(error, ValidationError) and isinstance(error.detail, dict):
        return [
            f"{field}: {word}"
            for field, words in error.detail.items()
            for word in words
        ]
    return [str(error.detail)]


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = (
        "title",
        "task_type",
        "status",
        "reward_pi",
        "max_answers",
        "created",
    )
    list_filter = ("status", "task_type")
    search_fields = ("title", "uuid", "tenant")

    @admin.display(description=_("reward, Pi"))
    def reward_pi(self, campaign: Campaign) -> str:
        return to_text(campaign.reward)


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "campaign",
        "status",
        "free",
        "decided_at",
        "decide_link",
    )
    list_filter = ("status", ("campaign", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("campaign",)
    search_fields = ("uuid",)
    ordering = ("id",)
    show_full_result_count = False
    readonly_fields = ("decide_link",)

    @admin.display(description=_("decide"))
    def decide_link(self, task: Task) -> str:
        if task.status != Task.Status.ESCALATED:
            return "–"
        url = reverse("admin:labeling_task_decide", args=[task.pk])
        return format_html('<a href="{}"><b>{}</b></a>', url, _("Decide"))

    def get_urls(self) -> list[URLPattern]:
        decide = path(
            "<int:task_id>/decide/",
            self.admin_site.admin_view(self.decide),
            name="labeling_task_decide",
        )
        following = path(
            "decide/",
            self.admin_site.admin_view(self.decide_next),
            name="labeling_task_decide_next",
        )
        return [decide, following, *super().get_urls()]

    def _reviewer(self, request: HttpRequest) -> Person:
        if not request.user.has_perm("labeling.change_task"):
            raise PermissionDenied
        return person_of(request)

    def decide_next(self, request: HttpRequest) -> HttpResponse:
        """Go to the oldest disputed task that this reviewer may decide."""
        task = queries.next_for_review(self._reviewer(request))
        if task is None:
            messages.info(request, _("No task waits for you."))
            url = reverse("admin:labeling_task_changelist") + WITH_REVIEWER
            return HttpResponseRedirect(url)
        url = reverse("admin:labeling_task_decide", args=[task.pk])
        return HttpResponseRedirect(url)

    def decide(self, request: HttpRequest, task_id: int) -> HttpResponse:
        """Show a disputed task, and take the reviewer's decision."""
        person = self._reviewer(request)
        sheet = queries.review_sheet(task_id)
        form = DecideForm(sheet, request.POST if request.method == "POST" else None)
        if request.method == "POST" and self._is_done(request, person, sheet, form):
            return HttpResponseRedirect(reverse("admin:labeling_task_decide_next"))
        return render(
            request,
            "admin/labeling/task/decide.html",
            self.admin_site.each_context(request)
            | {
                "title": _("Decide a disputed task"),
                "opts": self.opts,
                "sheet": sheet,
                "form": form,
                "picture_url": blobs_queries.link(sheet.picture["digest"]),
                "question": sheet.task.campaign.question,
                "contents": form.contents,
            },
        )

    def _is_done(
        self,
        request: HttpRequest,
        person: Person,
        sheet: queries.ReviewSheet,
        form: DecideForm,
    ) -> bool:
        """Do what was decided; False leaves the reviewer on the page with a reason."""
        now = timezone.now()
        try:
            if "reject" in request.POST:
                actions.reject_task(sheet.task, person, now)
                messages.success(request, _("Cancelled. Every answer was paid."))
                return True
            if not form.is_valid():
                return False
            actions.decide_by_reviewer(sheet.task, person, form.content(), now)
        except APIException as error:
            for words in _in_words(error):
                form.add_error(None, words)
            return False
        messages.success(request, _("Decided. Who said the same was paid."))
        return True


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "task", "person", "seconds", "created")
    list_select_related = ("task", "person")
    search_fields = ("uuid", "task__uuid", "person__uuid")
    show_full_result_count = False


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    list_display = ("task", "version", "rule", "decided_by", "created")
    list_filter = ("rule",)
    list_select_related = ("task", "decided_by")
    search_fields = ("task__uuid",)
    show_full_result_count = False


@admin.register(AnswerDecision)
class AnswerDecisionAdmin(ReadOnlyAdmin):
    list_display = ("answer", "n", "accepted", "agreement", "created")
    list_filter = ("accepted",)
    list_select_related = ("answer",)
    search_fields = ("answer__uuid", "answer__task__uuid")
    show_full_result_count = False


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = ("task", "reason", "note", "created")
    list_filter = ("reason",)
    list_select_related = ("assignment__task",)

    @admin.display(description=_("task"))
    def task(self, report: Report) -> Any:
        return report.assignment.task


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "task", "person", "status", "created", "expires_at")
    list_filter = ("status", "purpose")
    list_select_related = ("task", "person")
    search_fields = ("uuid", "task__uuid", "person__uuid")
    exclude = ("token",)  # nobody but its person may answer with it
    show_full_result_count = False
