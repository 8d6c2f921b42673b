# shop/views.py
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from . import chat


@require_POST
def say(request, room):
    chat.say(room, request.POST["message"])
    return HttpResponse(status=204)


@require_POST
def show(request, room):
    chat.show(room, request.POST["text"])
    return HttpResponse(status=204)
