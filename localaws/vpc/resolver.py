"""A VPC's DNS resolver: answers to queries, from the names that the cloud holds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from localaws.vpc.names import Names, Record

BadRecordError = dns.exception.DNSException
"""Raised for a record that holds what is no value of its type."""


def answer(query: bytes, names: Names, *, over_tcp: bool = False) -> bytes | None:
    """Return the answer to a DNS query, as it comes over the network.

    Args:
        query: The query.
        names: What there is.
        over_tcp: Whether it came over TCP, where an answer may be long.

    Returns:
        The answer; None for what is no query.

    Raises:
        BadRecordError: A record that answers it is no record of its type.
    """
    try:
        asked = dns.message.from_wire(query)
    except dns.exception.DNSException:
        return None
    if asked.flags & dns.flags.QR:
        return None
    response = dns.message.make_response(asked, recursion_available=True)
    if asked.opcode() != dns.opcode.QUERY or len(asked.question) != 1:
        response.set_rcode(dns.rcode.NOTIMP)
        return response.to_wire()
    question = asked.question[0]
    found = names.find(question.name.to_text(), dns.rdatatype.to_text(question.rdtype))
    if found is None or question.rdclass != dns.rdataclass.IN:
        response.set_rcode(dns.rcode.NXDOMAIN)
    for record in found or []:
        _add(response, record)
    limit = 0xFFFF if over_tcp else max(asked.payload, 512)
    try:
        return response.to_wire(max_size=limit)
    except dns.exception.TooBig:
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()


def _add(response: dns.message.Message, record: Record) -> None:
    name = dns.name.from_text(record.name)
    kind = dns.rdatatype.from_text(record.kind)
    value = record.value
    if kind == dns.rdatatype.TXT and not value.startswith('"'):
        value = f'"{value}"'  # the provider takes it without the quotes of a zone file
    added = dns.rrset.from_text(name, record.seconds, "IN", record.kind, value)
    there = response.get_rrset(response.answer, name, dns.rdataclass.IN, kind)
    if there is None:
        response.answer.append(added)
    else:
        there.add(added[0], record.seconds)
