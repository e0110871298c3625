"""The settings of paying out, counted in 1e-7 Pi."""

from django.conf import settings

from rewards import limits, money


def current() -> limits.Rules:
    return limits.Rules(
        minimum=money.parse(settings.PAYOUT_MINIMUM_PI),
        automatic_below=money.parse(settings.PAYOUT_AUTOMATIC_BELOW_PI),
        daily_by_level=tuple(
            money.parse(text) for text in settings.PAYOUT_DAILY_BY_LEVEL_PI
        ),
        hourly_cap=money.parse(settings.PAYOUT_HOURLY_CAP_PI),
        daily_cap=money.parse(settings.PAYOUT_DAILY_CAP_PI),
        wallet_floor=money.parse(settings.PAYOUT_WALLET_FLOOR_PI),
        approval_hours=settings.PAYOUT_APPROVAL_HOURS,
    )
