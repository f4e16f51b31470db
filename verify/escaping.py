"""Text from elsewhere, made safe to show: on a terminal, in a CI log, in one line."""

import re

# GitHub's `::command::` and Azure's `##[command]` and `##vso[command]` act wherever a log line
# carries them.
_LOG_COMMAND = re.compile(r"::(?=[A-Za-z])|##(?=[\[a-z])")


def visible(text: str, limit: int = 120) -> str:
    """Escape what a terminal or a CI log would act on; keep `limit` characters at most."""
    kept = text if len(text) <= limit else text[:limit] + "..."
    kept = _LOG_COMMAND.sub(lambda match: f"{match[0][0]}\\x{ord(match[0][1]):02x}", kept)
    if kept.isprintable():
        return kept
    return "".join(map(_escaped, kept))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
