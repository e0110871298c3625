"""Who takes part: persons, their sign-ins and evidence, organizations, keys, audit."""

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Person(models.Model):
    """A human being under a pseudonym; everything earned or answered points here.

    Kept apart from ``User`` so that a sign-in can be erased while the ledger and the
    answers keep their pseudonymous owner.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The highest level among the person's evidence; written by actions.record_evidence.
    level = models.PositiveSmallIntegerField(_("evidence level"), default=0)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return f"person {self.uuid.hex[:8]}"


class UserManager(BaseUserManager["User"]):
    def _create(
        self, email: str | None, password: str | None, **fields: object
    ) -> "User":
        address = self.normalize_email(email).lower() if email else None
        user = self.model(email=address, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_user(
        self, email: str | None, password: str | None = None, **fields: object
    ) -> "User":
        """Create a sign-in; its person is made by ``accounts.actions``."""
        return self._create(email, password, **fields)

    def create_superuser(
        self, email: str, password: str | None = None, **fields: object
    ) -> "User":
        return self._create(
            email, password, **{"is_staff": True, "is_superuser": True, **fields}
        )


class User(AbstractUser):
    """A sign-in by email and password, or by Pi alone: then there is no email."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("email"), unique=True, null=True, blank=True)  # type: ignore[assignment]
    person = models.OneToOneField(Person, on_delete=models.PROTECT, null=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.email or self.first_name or f"user {self.pk}"


class PiIdentity(models.Model):
    """A Pi account seen through the Platform API.

    Pi gives another uid to a user who took our permissions back and came again; staff
    then join it, and the old uid is retired.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    uid = models.CharField(max_length=64, unique=True)
    username = models.CharField(max_length=64, blank=True)
    network = models.CharField(max_length=16)  # simulated | pi_testnet | pi_mainnet
    scopes = models.JSONField(default=list)  # as last granted, sorted
    seen_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Pi identity")
        verbose_name_plural = _("Pi identities")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "network"],
                condition=Q(retired_at__isnull=True),
                name="pi_identity_one_a_person",
            ),
            models.UniqueConstraint(
                fields=["network", "username"],
                condition=Q(retired_at__isnull=True) & ~Q(username=""),
                name="pi_identity_one_a_username",
            ),
        ]

    def __str__(self) -> str:
        return self.username or self.uid


class PiRelink(models.Model):
    """A uid not seen before under a user name that is known: staff say whose it is."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    network = models.CharField(max_length=16)
    uid = models.CharField(_("new uid"), max_length=64)
    username = models.CharField(_("user name"), max_length=64)
    scopes = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_joined = models.BooleanField(_("joined"), default=False)

    class Meta:
        verbose_name = _("changed Pi account")
        verbose_name_plural = _("changed Pi accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["uid"],
                condition=Q(decided_at__isnull=True),
                name="pi_relink_open_once",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("person")),
                name="pi_relink_not_by_oneself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.username} ({self.network})"


class Wallet(models.Model):
    """An address of a Pi chain that belongs to one person, and never to two."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    network = models.CharField(max_length=16)
    address = models.CharField(max_length=64)
    seen_at = models.DateTimeField()
    moved_at = models.DateTimeField(null=True, blank=True)  # value came or went
    source = models.CharField(max_length=200)  # "payout:4f1c…": how it was learnt

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        constraints = [
            models.UniqueConstraint(
                fields=["network", "address"], name="wallet_one_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.address[:6]}…{self.address[-6:]}"


class Evidence(models.Model):
    """One reason to believe that a person is one real human; append-only."""

    class Kind(models.TextChoices):
        PI_SIGN_IN = "pi_sign_in", _("signed in with Pi")
        STAFF_CHECK = "staff_check", _("checked by staff")
        WALLET = "wallet", _("a wallet that moved value")

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    kind = models.CharField(max_length=16, choices=Kind)
    level = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=200)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = _("evidence")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} (level {self.level})"


class Organization(models.Model):
    """A client: owns datasets, projects, keys and money."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", _("owner")
        MANAGER = "manager", _("manager")
        VIEWER = "viewer", _("viewer")

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    role = models.CharField(max_length=8, choices=Role, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "organization"], name="membership_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.organization}"


class ApiKey(models.Model):
    """A client's key; with only its SHA-256 kept, a stolen database opens nothing."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT)
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AuditEvent(models.Model):
    """What somebody did that another may have to explain; append-only."""

    actor = models.ForeignKey(Person, on_delete=models.PROTECT, null=True)
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)  # "project:4f1c…": kind and uuid
    detail = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "id"])]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"
