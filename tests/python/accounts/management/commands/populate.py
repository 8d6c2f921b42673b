# accounts/management/commands/populate.py
import json
import sys

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand


def permission(name):
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


class Command(BaseCommand):
    help = """
    Makes groups and users of the JSON object on the input, {"groups": {name: [permission]}, "users": [{"name", "password",
    "groups", "permissions", and fields of the model such as "is_superuser"}]}, and prints the keys of the users, by name.
    """

    def handle(self, **options):
        wanted = json.load(sys.stdin)
        for name, permissions in wanted.get("groups", {}).items():
            group, _ = Group.objects.get_or_create(name=name)
            group.permissions.set(map(permission, permissions))
        users = {fields["name"]: str(self.make(**fields).pk) for fields in wanted["users"]}
        self.stdout.write(json.dumps(users))

    def make(self, name, password, groups=(), permissions=(), **fields):
        model = get_user_model()
        user = model(**{model.USERNAME_FIELD: name}, **fields)
        user.set_password(password)
        user.save()
        user.groups.set(Group.objects.filter(name__in=groups))
        user.user_permissions.set(map(permission, permissions))
        return user
