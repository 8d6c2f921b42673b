# accounts/views.py
import json

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


def page(request):
    """Shows who the socket says you are."""
    return render(request, "page.html", {"socket_url": settings.SOCKET_URL})


def whoami(request):
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({"id": None})
    return JsonResponse(
        {
            "id": str(user.pk),
            "name": user.get_username(),
            "groups": sorted(user.groups.values_list("name", flat=True)),
            "permissions": sorted(user.get_all_permissions()),
        }
    )


def session(request):
    """What the session holds, and its key."""
    return JsonResponse({"key": request.session.session_key, "data": dict(request.session.items())})


@csrf_exempt
@require_POST
def remember(request):
    """Puts what is sent, a JSON object, into the session; null takes a key out."""
    for key, value in json.loads(request.body).items():
        if value is None:
            request.session.pop(key, None)
        else:
            request.session[key] = value
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def expire(request):
    """Sets when the session expires: seconds, or null for what the settings say."""
    request.session.set_expiry(json.loads(request.body))
    return HttpResponse(status=204)
