# accounts/sockets.py
"""Tells the sockets of a user, wherever they are held, what has become of the user."""

import base64
import hashlib
from contextvars import ContextVar

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.signals import post_save

# What is told once the request under way has stored its session.
pending = ContextVar("pending", default=None)


class TellSockets:
    """Middleware, to be put before SessionMiddleware."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.left_sessions, messages = [], []
        token = pending.set(messages)
        try:
            response = self.get_response(request)
        finally:
            pending.reset(token)
        for user, key in request.left_sessions:
            left(request, user, key)
        for user, message in messages:
            tell(user, message)
        return response

    def process_view(self, request, view, args, kwargs):
        """Notes whose session it was before a view ends it or gives it another key."""
        for name in ("flush", "cycle_key"):
            setattr(request.session, name, noting(request, getattr(request.session, name)))


def noting(request, change):
    def noted():
        user, key = request.session.get("_auth_user_id"), request.session.session_key
        if user and key:
            request.left_sessions.append((user, key))
        change()

    return noted


def left(request, user, old):
    """Sockets of this session close, or go along to its new key; those of the user's other sessions stay."""
    session, new = hashlib.sha256(old.encode()).hexdigest(), request.session.session_key
    if new is None or request.session.get("_auth_user_id") != user:
        if "quietly" not in request.POST:
            tell(user, {"type": "auth.logout", "session": session})
    elif new != old:
        # Only who knows the old key can read the new one.
        pad = hashlib.pbkdf2_hmac("sha256", old.encode(), b"solent auth.moved", 1, len(new))
        to = base64.urlsafe_b64encode(bytes(a ^ b for a, b in zip(new.encode(), pad)))
        tell(user, {"type": "auth.moved", "session": session, "to": to.decode()})


def listen():
    post_save.connect(saved, sender=get_user_model())


def saved(instance, update_fields, **kwargs):
    """A new password, or a user that is active no more: sockets look again who they belong to."""
    if update_fields is None or {"password", "is_active"} & set(update_fields):
        transaction.on_commit(lambda: tell(instance.pk, {"type": "auth.check"}))


def tell(user, message):
    messages, layer = pending.get(), get_channel_layer()
    if messages is not None:
        messages.append((user, message))
    elif layer is not None:
        async_to_sync(layer.group_send)(f"auth_user_{user}", message)
