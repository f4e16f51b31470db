"""Settings are dataclasses that share their methods."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from infra.settings.declared import Declared, key
from infra.settings.kinds import Kind, Whole


class Password(Kind):
    """A kind whose values are encrypted."""

    encrypted = True

    @property
    def allowed(self) -> str:
        return "an encrypted value"

    def read(self, text: str) -> str:
        return text


class Login(Declared):
    """Settings with a secret."""

    port: int = key(Whole(1, 9))
    password: str = key(Password())


LOGIN = Login(port=1, password="hunter2")


def test_a_secret_is_not_shown() -> None:
    assert repr(LOGIN) == "Login(port=1)"


def test_each_field_needs_its_value() -> None:
    without_password: dict[str, Any] = {"port": 1, "user": "admin"}
    with pytest.raises(TypeError, match="fields of Login: password, user"):
        Login(**without_password)


def test_a_field_can_be_replaced_in_a_copy_only() -> None:
    assert replace(LOGIN, port=2).port == 2
    with pytest.raises(FrozenInstanceError, match="port"):
        LOGIN.port = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="port"):
        del LOGIN.port
    assert LOGIN.port == 1


def test_settings_are_equal_if_their_fields_are() -> None:
    assert Login(port=1, password="hunter2") == LOGIN
    assert Login(port=1, password="another") != LOGIN
    assert LOGIN != ("hunter2", 1)
