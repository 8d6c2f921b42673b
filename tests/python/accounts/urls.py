# accounts/urls.py
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.urls import path

from . import views

urlpatterns = [
    path("", views.page),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", PasswordChangeView.as_view(success_url="/"), name="password"),
    path("whoami/", views.whoami),
    path("session/", views.session),
    path("session/remember/", views.remember),
    path("session/expire/", views.expire),
]
