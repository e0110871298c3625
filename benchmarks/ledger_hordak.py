# ruff: noqa: PLC0415 — Django is set up by this very program first
"""The peer of ``benchmarks.ledger``: the same acceptance by django-hordak.

Runs in hordak's own environment with two arguments: a database, as Django's dictionary
in JSON, and a client's number; -1 makes the tables and the accounts.
It keeps no holds and no balances and refuses no overdraft.
"""

import json
import random
import sys
import time

import django
from django.conf import settings

PROJECTS, PEOPLE = 100, 1_000


def accounts():
    from hordak.models import Account

    return {account.name: account for account in Account.objects.all()}


def prepare():
    from django.core.management import call_command
    from hordak.models import Account

    call_command("migrate", verbosity=0)
    names = [f"escrow {n}" for n in range(PROJECTS)]
    names += [f"fees {n}" for n in range(PROJECTS)]
    names += [f"person {n}" for n in range(PEOPLE)]
    for number, name in enumerate(names):
        Account.objects.create(
            name=name, code=str(number), type="LI", currencies=["EUR"]
        )


def serve(number):
    from django.db import transaction
    from moneyed import Money

    known, chance = accounts(), random.Random(number)
    reward, fee = Money("0.10", "EUR"), Money("0.01", "EUR")
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        taken, begun = [], time.perf_counter()
        end = begun + order["seconds"]
        while begun < end:
            project = 0 if order["case"] == "hot" else chance.randrange(PROJECTS)
            person = known[f"person {chance.randrange(PEOPLE)}"]
            escrow = known[f"escrow {project}"]
            with transaction.atomic():
                escrow.transfer_to(person, reward)
                escrow.transfer_to(known[f"fees {project}"], fee)
            finished = time.perf_counter()
            taken.append(finished - begun)
            begun = finished
        print(json.dumps({"taken": [round(each * 1e6) for each in taken]}), flush=True)


def main():
    settings.configure(
        DATABASES={"default": json.loads(sys.argv[1])},
        INSTALLED_APPS=["django.contrib.contenttypes", "mptt", "hordak"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        SECRET_KEY="benchmark",
        CURRENCIES=["EUR"],
        DEFAULT_CURRENCY="EUR",
    )
    django.setup()
    number = int(sys.argv[2])
    if number < 0:
        prepare()
    else:
        serve(number)


if __name__ == "__main__":
    main()
