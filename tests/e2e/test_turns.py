"""Many taps in one turn of the loop: their tokens are made together, and each has its own."""

import signal
from collections import Counter

import pytest

from harness import agents
from harness.http import Connection, request
from harness.journal import records
from harness.tokens import click_id, is_genuine, token_of, ulid_text

CODES = [f"C{number:05d}" + "x" * (number % 7) for number in range(40)]
PREVIEW = next(iter(agents.PREVIEWS.values()))
LONG = "L" * 64  # its token costs a block more, so it is not made with the others


def ask_at_once(system, connections, bytes_of):
    """All requests are there before the server looks."""
    system.brinco.signal(signal.SIGSTOP)
    try:
        for number, connection in enumerate(connections):
            connection.send(bytes_of(number))
    finally:
        system.brinco.signal(signal.SIGCONT)


def genuine_id(system, reply, code):
    """The id of the click that a redirect's token stands for."""
    assert reply.status == 302, reply
    token = token_of(reply.location)
    assert is_genuine(token, code, system.brinco.secret()), code
    return click_id(token)


@pytest.fixture(name="system")
def one_worker(make_system):
    system = make_system(edge__workers=1)
    for code in [*CODES, LONG]:
        system.link(code)
    for code in [*CODES, LONG]:
        assert system.tap(code, agent=agents.ANDROID).status == 302  # cached from now on
    return system


def test_each_of_a_hundred_simultaneous_taps_gets_its_own_token(system):
    connections = [Connection(system.brinco.port) for _ in range(100)]
    codes = [LONG if number % 9 == 5 else CODES[number % 40] for number in range(100)]
    ids = set()
    try:
        for _ in range(3):
            ask_at_once(system, connections,
                        lambda number: request(f"/{codes[number]}", agent=agents.ANDROID))
            for code, connection in zip(codes, connections):
                ids.add(genuine_id(system, connection.read_reply(), code))
    finally:
        for connection in connections:
            connection.close()
    assert len(ids) == 300
    journaled = Counter(ulid_text(record.payload[12:28]) for record in records(system.brinco.data))
    assert all(journaled[click] == 1 for click in ids), "each in the journal, once"


def test_more_pipelined_taps_than_are_signed_together(system):
    """They leave more open than there is a list for, and fill the buffer more than once."""
    codes = [CODES[number % 40] for number in range(1500)]
    with Connection(system.brinco.port) as connection:
        ask_at_once(system, [connection], lambda _: b"".join(
            request(f"/{code}", agent=agents.ANDROID) for code in codes))
        ids = {genuine_id(system, connection.read_reply(), code) for code in codes}
    assert len(ids) == 1500


def test_pages_between_redirects_do_not_disturb_the_tokens_of_others(system):
    """Answers of all kinds and sizes stand in one buffer, some of them to be finished."""
    kinds = [(CODES[3], agents.ANDROID, 302), ("nothing-here", agents.ANDROID, 404),
             (CODES[4], PREVIEW, 200), (LONG, agents.ANDROID, 302)]
    connections = [Connection(system.brinco.port) for _ in range(80)]
    try:
        ask_at_once(system, connections, lambda number: request(
            f"/{kinds[number % 4][0]}", agent=kinds[number % 4][1]))
        for number, connection in enumerate(connections):
            code, _, status = kinds[number % 4]
            reply = connection.read_reply()
            assert reply.status == status
            if status == 302:
                genuine_id(system, reply, code)
    finally:
        for connection in connections:
            connection.close()


def test_a_template_may_hold_the_token_twice(system):
    system.campaign("twice", web="https://example.com/{click}?again={click}")
    system.link("TWICE", campaign="twice")
    location = system.tap("TWICE", agent=agents.WINDOWS).location
    first, _, second = location.removeprefix("https://example.com/").partition("?again=")
    assert first == second
    assert is_genuine(first, "TWICE", system.brinco.secret())
