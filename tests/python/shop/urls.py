# shop/urls.py
from django.urls import path

from . import views

urlpatterns = [
    path("rooms/<slug:room>/say/", views.say),
    path("rooms/<slug:room>/show/", views.show),
]
