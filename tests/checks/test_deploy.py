"""The deploy files, as far as they can be checked without a Docker engine."""

import re
import subprocess

import pytest

from tree import ROOT, assert_none

OF_EVERY_IMAGE = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}
PROGRAMS = ("edge", "collector", "api")


@pytest.fixture(scope="module")
def compose():
    """What docker-compose makes of the file: service name to the lines of its block."""
    outcome = subprocess.run(["docker-compose", "config"], cwd=ROOT, capture_output=True, text=True,
                             timeout=60, check=False)
    assert outcome.returncode == 0, outcome.stderr
    services = outcome.stdout.split("services:\n", 1)[1]
    blocks = re.split(r"^  (\w[\w-]*):\n", services, flags=re.MULTILINE)
    return dict(zip(blocks[1::2], blocks[2::2]))


@pytest.mark.parametrize("service", ("redis", *PROGRAMS))
def test_services_are_locked_down_and_watched(compose, service):
    block = compose[service]
    assert "read_only: true" in block
    assert "cap_drop:\n    - ALL\n" in block
    assert "no-new-privileges:true" in block
    assert "healthcheck:" in block
    assert "restart: unless-stopped" in block


@pytest.mark.parametrize("service", PROGRAMS)
def test_programs_wait_for_redis(compose, service):
    assert "redis:\n        condition: service_healthy" in compose[service]


@pytest.mark.parametrize("service", PROGRAMS)
def test_options_in_the_compose_file_are_ones_that_brinco_knows(compose, service, program):
    options = re.findall(r"^    - ([a-z]+\.[a-z_]+=.*)$", compose[service], re.MULTILINE)
    assert options
    arguments = [word for option in options for word in ("-o", option)]
    outcome = program("config", *arguments)
    assert outcome.returncode == 0, outcome.stderr


def test_redis_writes_to_disk_and_never_forgets(compose):
    assert re.search(r"- --appendonly\n\s+- .?yes", compose["redis"])
    assert re.search(r"- --maxmemory-policy\n\s+- noeviction", compose["redis"])
    assert "/data" in compose["redis"]


def test_the_image_holds_every_library_that_the_program_needs(program):
    """Each library the build links by name has its Debian package in the last stage."""
    needed = subprocess.run(["readelf", "-d", program.path], capture_output=True,
                            text=True, check=True).stdout
    libraries = set(re.findall(r"Shared library: \[(.+?)\]", needed))
    last_stage = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    missing = []
    for library in sorted(libraries - OF_EVERY_IMAGE):
        owner = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True,
                               check=True).stdout
        packages = {line.split(":")[0] for line in owner.splitlines()}
        if not any(re.search(rf"\s{re.escape(package)}\s", last_stage) for package in packages):
            missing.append(f"{library}: {packages}")
    assert_none(missing)


def test_the_image_runs_as_nobody_special_and_can_be_stopped():
    text = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    last_stage = text.split("\nFROM ")[-1]
    assert re.search(r"^USER (?!root)", last_stage, re.MULTILINE)
    assert "STOPSIGNAL SIGTERM" in last_stage
    assert "HEALTHCHECK" in last_stage


def test_what_the_image_copies_gets_past_dockerignore():
    """.dockerignore lets in by name: a folder that CMake needs must be on the list."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    for needed in ("CMakeLists.txt", "CMakePresets.json", "cmake", "include", "src", "scripts",
                   "conf", "tests/CMakeLists.txt"):
        assert needed in let_in
        assert (ROOT / needed).exists()
