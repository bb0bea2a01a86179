"""shop/tasks.py: what a shop does behind its requests, with django-q2.

Its twin with Baton is migration.ts.
"""

from django.core.mail import send_mail
from django_q.models import Schedule
from django_q.tasks import async_chain, async_iter, async_task, result, schedule

from shop import bank, depot


# The tasks.


def charge(order, cents):
    return bank.charge(order, cents, key=order)


def tell_support(task):
    """The hook of charge: the only one, for both outcomes."""
    if not task.success:
        send_mail("A charge failed", task.result, None, ["support@shop.example"])


def pack(order):
    return {"order": order, "parcels": depot.pack(order)}


def label(order):
    # Django-q2 hands nothing on from link to link: read it again.
    return [f"{order}/{n}" for n in range(depot.parcels(order))]


def mail(address):
    send_mail("News", "Winter is here", None, [address])
    return address


def report(month=None):
    return f"Report of {month}"


# Who enqueues them.


def place(order, cents):
    return async_task(
        charge,
        order,
        cents,
        hook=tell_support,
        timeout=20,
        group="orders",
        task_name=f"charge-{order}",
    )


def ship(order):
    return async_chain([(pack, (order,)), (label, (order,))], group=f"ship-{order}")


def send_news(addresses):
    return async_iter(mail, addresses)


def wait_for(task):
    return result(task, wait=5000)


def install():
    """Once, by hand: a second call with the same name raises."""
    if not Schedule.objects.filter(name="report").exists():
        schedule(
            "shop.tasks.report",
            name="report",
            schedule_type=Schedule.CRON,
            cron="0 6 1 * *",
            intended_date_kwarg="month",
        )


# settings.py:
#
# Q_CLUSTER = {
#     "name": "shop",
#     "workers": 4,
#     "timeout": 60,
#     "retry": 90,
#     "max_attempts": 3,
#     "ack_failures": True,
#     "save_limit": 1000,
#     "time_zone": "Europe/Paris",
#     "redis": "redis://127.0.0.1:6379/0",
# }
#
# and `python manage.py qcluster` beside the web server.
