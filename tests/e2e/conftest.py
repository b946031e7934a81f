"""Fixtures: a system of one's own for tests that break something, a shared one for the rest."""

import contextlib
import itertools
import pathlib
import shutil
import tempfile

import pytest

from harness import slow
from harness.brinco import PROGRAM
from harness.system import System


def pytest_configure(config):
    config.addinivalue_line("markers", "short: also run under ThreadSanitizer and by "
                                       "scripts/test --quick")


def pytest_sessionstart(session):
    del session
    if not PROGRAM.exists():
        pytest.exit(f"{PROGRAM} is missing: run scripts/build first", 2)


@contextlib.contextmanager
def short_place():
    """A folder, gone afterwards. Pytest's own have paths that are too long for a Unix socket."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="brinco-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def systems():
    """A function that makes systems. At the end every server must stop well, and every process
    is gone, whatever failed."""
    numbers = itertools.count()
    with short_place() as directory, contextlib.ExitStack() as stack:

        def make(start=True, clock=None, **options):
            system = System(directory / str(next(numbers)), **options)
            stack.callback(system.close)
            if clock is not None:
                clock.move(system)
            system.prepare()
            if start:
                system.brinco.start().ready()
            return system

        yield make


def pytest_collection_modifyitems(items):
    """What waits for slow clients comes last."""
    items.sort(key=lambda item: "slow_clients" in item.fixturenames)


@pytest.fixture(scope="session", autouse=True)
def early_start(request):
    """Slow clients begin before the first test, if any test asks for them."""
    if any("slow_clients" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("slow_clients")


@pytest.fixture(scope="session")
def slow_clients():
    with systems() as make:
        system = make()
        yield slow.start_all(system)


@pytest.fixture
def place():
    with short_place() as directory:
        yield directory


@pytest.fixture
def make_system():
    with systems() as make:
        yield make


@pytest.fixture(scope="module")
def make_module_system():
    with systems() as make:
        yield make


@pytest.fixture(scope="module")
def shared(make_module_system):
    """One system for the tests of a module that leave nothing behind but their own codes."""
    return make_module_system()


@pytest.fixture
def own(make_system):
    """A system that a test may break."""
    return make_system()
