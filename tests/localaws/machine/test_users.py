"""USER of an image, in the image's own files, by Docker's rules."""

from __future__ import annotations

import pytest

from localaws.machine.users import UnknownUserError, User, find_user

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
# a comment
nginx:x:101:102:nginx:/var/lib/nginx:/sbin/nologin
broken:x:many:102:::
homeless:x:200:200:::
"""
GROUP = "root:x:0:\nnginx:x:102:\nlogs:x:103:daemon,nginx\nweb:x:104:nginx\nbroken:x\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", User(0, 0, (), "/root")),
        ("root", User(0, 0, (), "/root")),
        ("nginx", User(101, 102, (103, 104), "/var/lib/nginx")),
        ("101", User(101, 102, (103, 104), "/var/lib/nginx")),
        ("nginx:logs", User(101, 103, (), "/var/lib/nginx")),
        ("nginx:7", User(101, 7, (), "/var/lib/nginx")),
        ("1000", User(1000, 0, (), "/")),
        ("1000:1000", User(1000, 1000, (), "/")),
        ("homeless", User(200, 200, (), "/")),
    ],
)
def test_names_and_numbers_are_resolved(name: str, expected: User) -> None:
    assert find_user(name, PASSWD, GROUP) == expected


def test_an_image_without_these_files_takes_numbers() -> None:
    assert find_user("5:6", "", "") == User(5, 6, (), "/")
    assert find_user("", "", "") == User(0, 0, (), "/")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nosuch", "unable to find user nosuch: no matching entries in passwd file"),
        ("broken", "unable to find user broken: no matching entries in passwd file"),
        ("nginx:nosuch", "unable to find group nosuch: no matching entries in group file"),
    ],
)
def test_an_unknown_name_is_an_error_in_dockers_words(name: str, words: str) -> None:
    with pytest.raises(UnknownUserError) as error:
        find_user(name, PASSWD, GROUP)
    assert str(error.value) == words
