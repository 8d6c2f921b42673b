# accounts/sockets.py
"""Tells the sockets of a user, wherever they are held, what has become of the user."""

import hashlib

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_save


def listen():
    user_logged_out.connect(logged_out)
    post_save.connect(saved, sender=get_user_model())


def logged_out(request, user, **kwargs):
    """Sockets of this session close; those of the user's other sessions stay."""
    if user is None or "quietly" in request.POST:
        return
    session = hashlib.sha256(request.session.session_key.encode()).hexdigest()
    tell(user, {"type": "auth.logout", "session": session})


def saved(instance, update_fields, **kwargs):
    """A new password, or a user that is active no more: sockets look again who they belong to."""
    if update_fields is None or {"password", "is_active"} & set(update_fields):
        transaction.on_commit(lambda: tell(instance, {"type": "auth.check"}))


def tell(user, message):
    layer = get_channel_layer()
    if layer is not None:
        async_to_sync(layer.group_send)(f"auth_user_{user.pk}", message)
