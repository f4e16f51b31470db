"""How an option is declared, and what holds the values of a run."""

import pytest

from verify.cli.parser import parse_options
from verify.options.declaration import Values, declared, defaulted, optional, switch


class Group(Values):
    """Three options and a plain value."""

    operand: str | None

    first = defaulted("-f", "--first", default="1", read=int, metavar="N", help="a number")
    second = optional("--second", read=str, metavar="TEXT", help="a text")
    third = switch("--third", help="a switch")


def made(**changes: object) -> Group:
    return Group(**{"operand": None, "first": 1, "second": None, "third": False, **changes})


def test_values_are_attributes_under_the_names_of_their_options() -> None:
    assert [option.name for option in declared(Group)] == ["first", "second", "third"]
    assert (made(second="a").second, made().first, made().operand) == ("a", 1, None)


def test_values_are_never_set_only_replaced() -> None:
    before = made()
    after = before.replace(first=2)
    assert (before.first, after.first) == (1, 2)
    with pytest.raises(AttributeError, match="first can't be set"):
        before.first = 3


def test_a_missing_or_unknown_value_is_an_error() -> None:
    with pytest.raises(TypeError, match="values: forth, third"):
        Group(operand=None, first=1, second=None, forth=True)
    with pytest.raises(TypeError, match="fifth"):
        made().replace(fifth=5)


def test_flags_that_set_one_attribute_are_used_in_turn() -> None:
    assert parse_options([]).family is None
    assert parse_options(["-6", "-4"]).family == 4
