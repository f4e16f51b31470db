"""What a container runs, from its image and its definition."""

from __future__ import annotations

import pytest

from localaws.images.config import (
    ImageConfig,
    NoCommandError,
    from_json,
    merge,
    platform_of,
)
from localaws.machine.container import DEFAULT_PATH

IMAGE = ImageConfig(
    entry_point=("/entry",),
    command=("serve", "--all"),
    environment={"PATH": "/opt/bin", "MODE": "image"},
    user="web",
    working_directory="/srv",
)


@pytest.mark.parametrize(
    ("entry_point", "command", "argv"),
    [
        ((), (), ("/entry", "serve", "--all")),
        ((), ("other",), ("/entry", "other")),
        (("sh", "-c"), (), ("sh", "-c")),
        (("sh", "-c"), ("x",), ("sh", "-c", "x")),
    ],
)
def test_a_definitions_entry_point_drops_the_images_command(
    entry_point: tuple[str, ...], command: tuple[str, ...], argv: tuple[str, ...]
) -> None:
    assert merge(IMAGE, entry_point=entry_point, command=command).argv == argv


def test_the_definitions_variables_user_and_folder_win_over_the_images() -> None:
    own = merge(IMAGE, environment={"MODE": "own"}, user="7:8", working_directory="/w")
    assert own.environment == {"PATH": "/opt/bin", "MODE": "own"}
    assert (own.user, own.working_directory) == ("7:8", "/w")
    images = merge(IMAGE)
    assert images.environment == {"PATH": "/opt/bin", "MODE": "image"}
    assert (images.user, images.working_directory) == ("web", "/srv")


def test_an_image_without_a_path_and_a_folder_gets_dockers() -> None:
    process = merge(ImageConfig(command=("x",)))
    assert process.environment == {"PATH": DEFAULT_PATH}
    assert (process.user, process.working_directory) == ("", "/")


def test_a_container_with_nothing_to_run_is_refused() -> None:
    with pytest.raises(NoCommandError, match="no command specified"):
        merge(ImageConfig())


def test_values_of_variables_stay_out_of_texts_of_a_process() -> None:
    assert "secret" not in repr(merge(IMAGE, environment={"PASSWORD": "secret"}))


def test_a_configuration_file_is_read_with_everything_that_ecs_honours() -> None:
    document = {
        "architecture": "arm64",
        "os": "linux",
        "config": {
            "Entrypoint": ["/entry"],
            "Cmd": ["serve"],
            "Env": ["A=1=2", "EMPTY="],
            "User": "101:101",
            "WorkingDir": "/srv",
            "StopSignal": "SIGQUIT",
            "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
            "Volumes": {"/data": {}},
        },
    }
    assert platform_of(document) == "linux/arm64"
    assert from_json(document) == ImageConfig(
        entry_point=("/entry",),
        command=("serve",),
        environment={"A": "1=2", "EMPTY": ""},
        user="101:101",
        working_directory="/srv",
        stop_signal="SIGQUIT",
        exposed_ports=("53/udp", "80/tcp"),
        volumes=("/data",),
    )


@pytest.mark.parametrize("config", [{}, {"config": None}, {"config": {"Cmd": None, "Env": None}}])
def test_an_empty_configuration_file_has_the_defaults(config: dict[str, object]) -> None:
    assert from_json(config) == ImageConfig()
    assert platform_of(config) == ""
