# accounts/apps.py
from django.apps import AppConfig


class Accounts(AppConfig):
    name = "accounts"

    def ready(self):
        from . import sockets

        sockets.listen()
