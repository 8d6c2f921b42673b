# shop/asgi.py
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
http = get_asgi_application()

from .consumers import Chat  # noqa: E402, once Django has its settings

# What has not moved yet.
websocket = URLRouter([path("ws/chat/<slug:room>/", Chat.as_asgi())])
application = ProtocolTypeRouter({"http": http, "websocket": websocket})
