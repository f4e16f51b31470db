"""What a pipe can deliver: every accepted and every refused form, without a network."""

import codecs
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.cli.piped import MAX_BYTES, read_targets
from verify.errors import InputError
from verify.options.target import Target, parse_target

NAME = "web-1.eu-west-1.elb.amazonaws.com"
PLAIN = f"http://{NAME}/"


def outputs(**values: object) -> str:
    return json.dumps(values)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        pytest.param(f"{NAME}\n", PLAIN, id="a line"),
        pytest.param(f"  {NAME}\t", PLAIN, id="white space around it"),
        pytest.param(f"{NAME}\r\n", PLAIN, id="a Windows line end"),
        pytest.param(codecs.BOM_UTF8 + NAME.encode(), PLAIN, id="a byte order mark"),
        pytest.param(NAME.encode("utf-16"), PLAIN, id="UTF-16 from PowerShell"),
        pytest.param(codecs.BOM_UTF16_BE + NAME.encode("utf-16-be"), PLAIN, id="big-endian UTF-16"),
        pytest.param(f"{NAME}\n\n{NAME}\n", PLAIN, id="the same line twice"),
        pytest.param(f'"{NAME}"', PLAIN, id="double quotes"),
        pytest.param(f"'{NAME}'", PLAIN, id="single quotes"),
        pytest.param(f'"http:\\u002f/{NAME}"', PLAIN, id="a JSON string's escapes"),
        pytest.param(
            outputs(albDns=NAME, clusterName="ecs-cluster-dev", count=2),
            PLAIN,
            id="JSON with one host",
        ),
        pytest.param(
            outputs(albDns=NAME, serviceUrl=PLAIN), PLAIN, id="JSON with two names for one target"
        ),
        pytest.param(f"http://{NAME}", PLAIN, id="a URL"),
        pytest.param(
            f"HTTP://{NAME.upper()}:8080/p?q#f",
            f"http://{NAME}:8080/p?q",
            id="upper case and a fragment",
        ),
        pytest.param(f"https://{NAME}:443/", f"https://{NAME}/", id="a scheme's own port"),
        pytest.param(f"http://{NAME}?q=1", f"http://{NAME}/?q=1", id="a query without a path"),
        pytest.param(f"{NAME}:8080", f"http://{NAME}:8080/", id="a port"),
        pytest.param(f"{NAME}.", PLAIN, id="a trailing dot"),
        pytest.param("127.88.0.1:8080", "http://127.88.0.1:8080/", id="IPv4 with a port"),
        pytest.param("[::1]", "http://[::1]/", id="bracketed IPv6"),
        pytest.param(
            "[2001:DB8::1]:81", "http://[2001:db8::1]:81/", id="bracketed IPv6 with a port"
        ),
        pytest.param("::1", "http://[::1]/", id="bare IPv6"),
        pytest.param("localhost", "http://localhost/", id="localhost"),
        pytest.param("web:8080", "http://web:8080/", id="a single label with a port"),
        pytest.param("https://web/health", "https://web/health", id="a single label in a URL"),
        pytest.param("localhost:80", "http://localhost/", id="localhost with a port"),
        pytest.param("bücher.example", "http://xn--bcher-kva.example/", id="a Unicode name"),
        pytest.param("web\uff0eexample", "http://web.example/", id="a full-width dot"),
        pytest.param(
            "\u0430pple.example", "http://xn--pple-43d.example/", id="a Cyrillic look-alike"
        ),
    ],
)
def test_a_target_is_recognised(given: str | bytes, url: str) -> None:
    raw = given if isinstance(given, bytes) else given.encode()
    assert read_targets(raw)[0].target.url == url


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param(b"", "empty input: did `pulumi stack output NAME` fail?", id="nothing"),
        pytest.param(b" \t ", "empty input", id="white space"),
        pytest.param(b"\n\r\n\n", "empty input", id="new lines"),
        pytest.param(b"a.example\nb.example\n", "2 lines", id="two lines"),
        pytest.param(
            b"Current stack outputs (1):\n    OUTPUT  VALUE\n    albDns  a.example\n",
            "the table",
            id="table",
        ),
        pytest.param(
            b"OUTPUT  VALUE\nalbDns  a.example\n",
            "the table of all outputs",
            id="table without a title",
        ),
        pytest.param(b"[secret]", "the output is secret", id="a secret"),
        pytest.param(b'"[secret]"', "the output is secret", id="a quoted secret"),
        pytest.param(b"http://[secret]/", "the output is secret", id="a secret in a URL"),
        pytest.param(b'{"albDns": "[secret]"}', "add --show-secrets", id="a secret in JSON"),
        pytest.param(b'"a.example', "unbalanced quote", id="half a pair of quotes"),
        pytest.param(b"a.example'", "unbalanced quote", id="the other half"),
        pytest.param(b'"', "unbalanced quote", id="just a quote"),
        pytest.param(b'"a\\q"', "not a JSON string", id="a broken escape"),
        pytest.param(b'""', "it is empty", id="an empty string"),
        pytest.param(b"''", "it is empty", id="an empty string in single quotes"),
        pytest.param(b'{"albDns": ', "broken JSON at line 1, column 11", id="half of the JSON"),
        pytest.param(
            b'{"a": "x.example", "b": "https://y.example"}',
            "are a host or a URL: a, b",
            id="two hosts",
        ),
        pytest.param(b'{"a": {"b": 1}}', "the outputs are: a", id="no host in the JSON"),
        pytest.param(b"{}", "the outputs are: none", id="no outputs"),
        pytest.param(b'["a.example"]', "a JSON array", id="an array"),
        pytest.param(b"[" * 50_000, "JSON beyond what outputs look like", id="deep JSON"),
        pytest.param(
            b'{"a": ' + b"1" * 5000 + b"}", "JSON beyond what outputs look like", id="a huge number"
        ),
        pytest.param(b"42", "it is a number", id="a number"),
        pytest.param(b"-1.5e3", "it is a number", id="another number"),
        *[
            pytest.param(word.encode(), "a missing value", id=word)
            for word in ("null", "None", "undefined", "true", "nil")
        ],
        pytest.param(
            b"Calling __str__ on an Output[T] is not supported.\n\nTo get the value...",
            "an Output was",
            id="str(Output)",
        ),
        pytest.param(
            b"http://<pulumi.output.Output object at 0x7f1>", "an Output was", id="repr(Output)"
        ),
        pytest.param(b"OutputImpl{}", "an Output was", id="another Output"),
        pytest.param(b"error: no stack selected", "an error message", id="pulumi's own error"),
        pytest.param(b"ftp://a.example", "unsupported scheme", id="ftp"),
        pytest.param(b"javascript:alert(1)", "unsupported scheme", id="javascript"),
        pytest.param(b"file:///etc/passwd", "unsupported scheme", id="file"),
        pytest.param(b"//a.example", "a URL needs a scheme", id="no scheme"),
        pytest.param(b"http:/a.example", "the URL is malformed", id="one slash"),
        pytest.param(b"http//a.example", "the URL is malformed", id="no colon"),
        pytest.param(b"http://", "has no host", id="only a scheme"),
        pytest.param(b"http:///path", "has no host", id="a URL without a host"),
        pytest.param(b"a.example/path", "a name with a path", id="a path after a bare name"),
        pytest.param(
            b"http://a.example/\xc3\xbc", "percent-encode", id="a path that can't be sent"
        ),
        *[
            pytest.param(f"a.example:{port}".encode(), "no usable port", id=f"port '{port}'")
            for port in ("0", "65536", "abc", "", "-1", "\u0668")
        ],
        pytest.param(b"a.example:80:80", "not an IPv6 address", id="two ports"),
        pytest.param(b"[::1", "unbalanced bracket", id="half a bracket"),
        pytest.param(b"[::1]x", "unbalanced bracket", id="text after a bracket"),
        pytest.param(b"[fe80::1%eth0]", "a zone id", id="a zone id"),
        pytest.param(b"fe80::1%eth0", "a zone id", id="a zone id without brackets"),
        pytest.param(b"1::2::3", "not an IPv6 address", id="broken IPv6"),
        pytest.param(b"2130706433", "it is a number", id="an integer address"),
        pytest.param(b"0177.0.0.1", "not an IPv4 address", id="an octal address"),
        pytest.param(b"0x7f.0.0.1", "not an IPv4 address", id="a hexadecimal address"),
        pytest.param(b"0x7f000001", "not an IPv4 address", id="a hexadecimal integer"),
        pytest.param(b"1.2.3.256", "not an IPv4 address", id="a number too large"),
        pytest.param(b"127.1", "it is a number", id="a short address"),
        pytest.param(
            b"169.254.169.254", "can't be a load balancer's address", id="the metadata address"
        ),
        pytest.param(
            b"[::ffff:169.254.169.254]",
            "can't be a load balancer's address",
            id="the same, embedded",
        ),
        pytest.param(b"0.0.0.0", "can't be a load balancer's address", id="no address"),
        pytest.param(b"a_b.example", "underscore", id="an underscore"),
        pytest.param(b"-a.example", "hyphen", id="a leading hyphen"),
        pytest.param(b"a-.example", "hyphen", id="a trailing hyphen"),
        pytest.param(b"a..example", "empty label", id="an empty label"),
        pytest.param(b".example", "empty label", id="a leading dot"),
        pytest.param(b"a" * 64 + b".example", "longer than 63", id="a long label"),
        pytest.param(b"a." * 127 + b"example", "longer than 253", id="a long name"),
        pytest.param(b"com", "only one label", id="a top-level domain"),
        pytest.param(b"web1", "only one label", id="a single label with a digit"),
        pytest.param(b"a,b.example", "a character that no name has", id="a comma"),
        pytest.param("xn--ü.example".encode(), "not a host name", id="broken IDNA"),
        pytest.param("a\u200b.example".encode(), "U+200B", id="zero width"),
        pytest.param("a\u202e.example".encode(), "U+202E", id="right to left"),
        pytest.param("a\u00a0b.example".encode(), "U+00A0", id="a no-break space"),
        pytest.param(b"a\x00.example", "U+0000", id="NUL"),
        pytest.param(b"a\x07.example", "U+0007", id="a bell"),
        pytest.param(b"a b.example", "U+0020 at position 1", id="a space"),
        pytest.param(b"\x1b[32ma.example\x1b[0m", "pulumi --color never", id="colours"),
        pytest.param(b"a.exampl\xff", "byte 8 can't be decoded", id="not UTF-8"),
        pytest.param(b"\xff\xfea\x00b", "not UTF-16", id="half of UTF-16"),
        pytest.param(b"a" * (MAX_BYTES + 1), "longer than 64 KiB", id="a flood"),
        pytest.param(
            b"arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/b",
            "it is an ARN",
            id="an ARN",
        ),
    ],
)
def test_an_invalid_target_is_refused_with_the_reason(given: bytes, text: str) -> None:
    with pytest.raises(InputError) as refused:
        read_targets(given)
    message = f"{refused.value.problem}\n{refused.value.hint}"
    assert text in message
    assert refused.value.hint
    assert message.count("\n") == 1
    assert message.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "given", ["user:hunter2@a.example", "http://user:hunter2@a.example/", "hunter2@a.example"]
)
def test_a_password_in_the_target_is_refused_without_showing_it(given: str) -> None:
    with pytest.raises(InputError, match="password in the target") as refused:
        read_targets(given.encode())
    assert "hunter2" not in str(refused.value) + refused.value.hint


def test_a_query_is_not_shown_in_an_error() -> None:
    with pytest.raises(InputError) as refused:
        read_targets(b"a_b.example?token=hunter2")
    assert "hunter2" not in refused.value.problem


def test_an_ambiguous_set_of_outputs_is_listed_by_key_never_by_value() -> None:
    with pytest.raises(InputError) as refused:
        read_targets(outputs(one="a.example", two="b.example").encode())
    assert "example" not in refused.value.problem + refused.value.hint


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"other": "a.example"}, "no output 'albDns'"),
        ({"albDns": None}, "'albDns' is null"),
        ({"albDns": {"name": "a.example"}}, "'albDns' is not a string"),
        ({"albDns": "[secret]"}, "the output is secret"),
    ],
)
def test_a_named_output_must_hold_a_host(values: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text.replace("[", r"\[")):
        read_targets(outputs(**values).encode(), output_name="albDns")


def test_a_named_output_is_picked() -> None:
    values = outputs(one="a.example", two="b.example")
    assert read_targets(values.encode(), output_name="two")[0].target.host == "b.example"


def test_an_output_name_without_json_is_refused() -> None:
    with pytest.raises(InputError, match="--output-name needs the JSON"):
        read_targets(b"a.example", output_name="albDns")


def test_options_complete_the_target() -> None:
    parsed = parse_target("a.example", scheme="https", port=8443, path="/health")
    assert parsed.target == Target("https", "a.example", 8443, "/health")


@pytest.mark.parametrize(
    "options", [{"scheme": "https"}, {"port": 81}, {"path": "/q"}], ids=["scheme", "port", "path"]
)
def test_an_option_that_contradicts_the_target_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="contradict"):
        parse_target("http://a.example:80/p", **options)


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ("http://a.example/#top", "fragment was dropped"),
        ("bücher.example", "bücher.example is sent as xn--bcher-kva.example"),
        ("internal-web-1.eu-west-1.elb.amazonaws.com", "internal"),
        ("ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", "not a load balancer's"),
    ],
)
def test_assumptions_about_a_target_are_noted(given: str, note: str) -> None:
    (text,) = parse_target(given).notes
    assert note in text


def test_a_load_balancers_name_needs_no_note() -> None:
    assert parse_target(NAME).notes == ()


hostish = st.text(st.sampled_from("aZ09.-_:/[]%@?#\"' \n\t{}é\u200b\x1b"), max_size=40)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | hostish,
    lambda inner: st.dictionaries(hostish, inner, max_size=3),
    max_leaves=5,
)


def test_several_lines_are_several_targets_when_requested() -> None:
    found = read_targets(b"a.example\nhttp://b.example/x\n\na.example\n", several=True)
    assert [one.target.url for one in found] == ["http://a.example/", "http://b.example/x"]


def test_a_bad_line_among_several_is_refused() -> None:
    with pytest.raises(InputError, match="underscore"):
        read_targets(b"a.example\nb_b.example\n", several=True)


def read_or_refused(raw: bytes) -> Target | InputError:
    try:
        return read_targets(raw)[0].target
    except InputError as error:
        return error


@settings(deadline=None)  # the first Unicode name loads idna's tables
@given(
    st.one_of(
        st.binary(max_size=200),
        hostish.map(str.encode),
        documents.map(lambda d: json.dumps(d).encode()),
    )
)
def test_any_bytes_are_a_target_that_parses_to_itself_or_a_printable_error(raw: bytes) -> None:
    read = read_or_refused(raw)
    if isinstance(read, InputError):
        assert (read.problem + read.hint).isprintable()
    else:
        assert parse_target(read.url).target == read
        assert read.url.isascii()


@pytest.mark.parametrize(
    ("given", "options", "scheme"),
    [
        (f"{NAME}:443", {}, "https"),
        (NAME, {"port": 443}, "https"),
        (f"{NAME}:443", {"scheme": "http"}, "http"),
        (f"http://{NAME}:443", {}, "http"),
        (f"{NAME}:8443", {}, "http"),
    ],
)
def test_port_443_is_https_unless_plain_http_is_requested(
    given: str, options: dict[str, Any], scheme: str
) -> None:
    parsed = parse_target(given, **options)
    assert parsed.target.scheme == scheme
    assert ("port 443 is asked over https; --scheme http asks in plain" in parsed.notes) == (
        scheme == "https"
    )


def test_a_single_label_is_a_host_only_with_an_option_which_the_hint_names() -> None:
    assert parse_target("web", port=8080).target == Target("http", "web", 8080, "/")
    assert parse_target("web", scheme="https").target == Target("https", "web", 443, "/")
    with pytest.raises(InputError) as refused:
        parse_target("web")
    assert refused.value.hint == "for a name of a network of containers write http://web/ or web:80"
