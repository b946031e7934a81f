"""Clients that send slowly or not at all are closed on time (conftest.py lets these run last)."""

import pytest

from harness.wait import wait_for

HEAD_SECONDS = 10
IDLE_SECONDS = 60


def closed_after(slow, seconds):
    wait_for(lambda: slow.seconds is not None, seconds + 30, f"{slow.behave.__name__} is closed")
    return slow.seconds


@pytest.mark.parametrize("name", ["send_half", "drip", "drip_after_a_tap"])
def test_a_head_must_be_complete_in_time(slow_clients, name):
    seconds = closed_after(slow_clients[name], HEAD_SECONDS)
    assert HEAD_SECONDS - 1 <= seconds <= HEAD_SECONDS + 5


@pytest.mark.parametrize("name", ["send_nothing", "idle_after_a_tap"])
def test_an_idle_connection_is_closed_in_time(slow_clients, name):
    """One that never sent a byte may go earlier: it owes a head."""
    seconds = closed_after(slow_clients[name], IDLE_SECONDS)
    earliest = HEAD_SECONDS if name == "send_nothing" else IDLE_SECONDS
    assert earliest - 1 <= seconds <= IDLE_SECONDS + 5


def test_what_closed_them_is_counted(slow_clients):
    for slow in slow_clients.values():
        closed_after(slow, IDLE_SECONDS)
    metrics = slow_clients["drip"].system.brinco.metrics()
    assert metrics.sum("brinco_connections_closed_total", reason="head_timeout") >= 3
    assert metrics.sum("brinco_connections_closed_total", reason="idle_timeout") >= 1
    assert metrics.sum("brinco_connections_open") == 0
