from __future__ import annotations

from uuid import UUID, uuid4

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

STAFF = UUID("0192f0a0-0000-7000-8000-00000000000f")


class Account(AbstractBaseUser):
    """A user with a UUID as the primary key. There is no table: tests log in unsaved instances."""

    id = models.UUIDField(primary_key=True, default=uuid4)

    USERNAME_FIELD = "id"

    class Meta:
        managed = False

    def has_perm(self, permission: str, obj: object = None) -> bool:
        return bool(self.pk == STAFF)
