# shop/management/commands/say.py
from django.core.management.base import BaseCommand

from shop import chat


class Command(BaseCommand):
    help = "Says something in a room."

    def add_arguments(self, parser):
        parser.add_argument("room")
        parser.add_argument("message")

    def handle(self, room, message, **options):
        chat.say(room, message)
