"""httpx as the client, for requests that are not the run's own."""

from collections.abc import Callable
from functools import lru_cache

import httpx

from verify.network.client import Reply
from verify.network.http1 import ConnectError, ConnectTimeoutError, ProtocolError, Request
from verify.network.tls import seen, tls_context
from verify.options.groups import Options
from verify.options.target import Target
from verify.options.values import HostPort

_STEPS = {
    "connection.connect_tcp.started": "connecting",
    "connection.connect_tcp.complete": "connected",
    "connection.start_tls.started": "securing",
    "connection.start_tls.complete": "secured",
    "http11.send_request_headers.started": "sending",
}
"""By httpx's events, https://www.encode.io/httpcore/extensions/#trace."""


class HttpxClient:
    """Sends requests by one of httpx's transports, on the running event loop."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, scheme: str, name: str) -> None:
        """Use a transport; with https to a server of that name."""
        self._transport = transport
        self._scheme = scheme
        self._name = name

    async def exchange(
        self, request: Request, to: HostPort, seconds: float, passed: Callable[[str], None]
    ) -> Reply:
        """See `client.Client`."""

        async def trace(event: str, _: object) -> None:
            if event in _STEPS:
                passed(_STEPS[event])

        extensions = {"trace": trace, "timeout": {"connect": seconds}, "sni_hostname": self._name}
        sent = httpx.Request(
            request.method,
            _url(f"{self._scheme}://{to}{request.path}"),
            headers=httpx.Headers(request.headers),
            content=request.body,
            extensions=extensions,
        )
        try:
            return await self._exchange(sent, request.max_body, passed)
        except httpx.ConnectTimeout as error:
            raise ConnectTimeoutError("no connection in time") from error
        except httpx.ConnectError as error:
            raise ConnectError(str(error)) from error
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise ProtocolError(str(error)) from error

    async def _exchange(
        self, request: httpx.Request, limit: int, passed: Callable[[str], None]
    ) -> Reply:
        response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        passed("first_byte")
        stream = response.extensions.get("network_stream")
        connection = stream.get_extra_info("ssl_object") if stream else None
        # Before the body is read, as a stream that has ended no longer has it.
        secured = seen(connection) if connection else None
        body = bytearray()
        try:
            async for chunk in response.stream:
                body += chunk
                if len(body) > limit:
                    break
            passed("complete")
        finally:
            await response.aclose()
        truncated = len(body) > limit
        del body[limit:]
        headers = (
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in response.headers.raw
        )
        return Reply(response.status_code, tuple(headers), body, truncated, secured)

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()


def new_httpx_client(target: Target, options: Options) -> HttpxClient:
    """Return a client on httpx's own transport, without the proxies of the environment."""
    context = tls_context(target, options)
    transport = httpx.AsyncHTTPTransport(verify=context or False)
    return HttpxClient(transport, scheme=target.scheme, name=target.host)


@lru_cache
def _url(text: str) -> httpx.URL:
    return httpx.URL(text)
