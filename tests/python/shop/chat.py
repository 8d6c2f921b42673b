# shop/chat.py
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def say(room, message):
    """An event: each consumer of the room handles it."""
    group_send = async_to_sync(get_channel_layer().group_send)
    group_send(f"chat_{room}", {"type": "chat.message", "message": message})


def show(room, text):
    """A ready frame: each socket of the room gets this text as it is."""
    group_send = async_to_sync(get_channel_layer().group_send)
    group_send(f"chat_{room}", {"type": "websocket.send", "text": text})
