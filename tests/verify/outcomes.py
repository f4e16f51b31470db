"""Outcomes of a request, as a client returns them."""

from verify.network.outcome import Answer, Failure, Phase, Timings, TlsSeen


def answer(
    status: int = 200, body: bytes = b"", tls: TlsSeen | None = None, **headers: str
) -> Answer:
    """Return a complete answer; `x_served_by="a"` becomes the header `x-served-by`."""
    return Answer(
        status=status,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body,
        truncated=False,
        address="192.0.2.1",
        addresses=("192.0.2.1",),
        timings=Timings(),
        tls=tls,
    )


def failure(phase: Phase = Phase.CONNECT, *, final: bool = False) -> Failure:
    """Return a refused connection, or a failure in another phase."""
    return Failure(phase=phase, reason="connection refused", hint="", final=final)
