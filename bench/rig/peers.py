"""What brinco is compared with: the floor, and servers that others take for redirects.

Each is a context manager with name, port and cpu_ns(), as Brinco is. Their configurations are in
bench/peers; one worker each, connections kept as long as the load wants, no access log unless
the name says so.
"""

import os
import pathlib
import re
import shutil

from .failure import Failure
from .load import ask
from .process import Process, Served, free_port, wait_for

TEMPLATES = pathlib.Path(__file__).resolve().parents[1] / "peers"
MODULES = pathlib.Path("/usr/lib/nginx/modules")
LUA = pathlib.Path("/usr/share/lua/5.1")
LUA_NEEDS = (MODULES / "ndk_http_module.so", MODULES / "ngx_http_lua_module.so",
             LUA / "resty/core.lua", LUA / "resty/lrucache.lua", LUA / "nginx/redis.lua")
# What brinco answers to the same request, but for the token that it would have signed.
LOCATION = ("https://play.google.com/store/apps/details?id=mx.example.app&referrer="
            "utm_source%3Dbrinco%26utm_medium%3Dreferral%26utm_campaign%3Dspring"
            "%26utm_content%3DAB12CD%26click%3DAZqZqZqZqZqZqZqZqZqZqZqZqZqZqZqZ")
LRU_ITEMS = 100_000
NGINX_USER = "user nobody nogroup;"


class Peer(Served):
    """One server on one core. A class below says how it is started."""

    name = program = user = None
    path = "/AB12CD"

    def __init__(self, bench, core):
        self.bench, self.core = bench, core
        self.port = free_port()
        self.directory = bench.folder(re.sub(r"\W+", "-", self.name))
        self.process = None

    @classmethod
    def missing(cls):
        """What would have to be installed; empty when nothing."""
        return "" if shutil.which(cls.program) else cls.program

    def command(self):
        raise NotImplementedError

    def configure(self, template, **values):
        """The path of the template with its @WORDS@ filled in."""
        values = {"PORT": self.port, "DIRECTORY": self.directory, "LOCATION": LOCATION, **values}
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        for word, value in values.items():
            text = text.replace(f"@{word}@", str(value))
        left = re.search(r"@[A-Z_]+@", text)
        if left:
            raise Failure(f"bench/peers/{template}: nothing fills in {left[0]}")
        path = self.directory / template
        path.write_text(text, encoding="utf-8")
        return path

    def __enter__(self):
        self.process = Process(self.bench, self.command(), self.core,
                               log=self.directory / "log", user=self.user)
        wait_for(self._answers, what=lambda: f"{self.name} answers\n{self.process.complaint()}")
        return self

    def _answers(self):
        self.process.must_live()
        return ask(self.port, self.path).startswith(b"HTTP/1.1 302")

    def __exit__(self, *_):
        if self.process is not None:
            process, self.process = self.process, None
            process.end()


class Floor(Peer):
    name = "floor"
    words = ()

    @classmethod
    def missing(cls):
        return ""

    def __init__(self, bench, core, close=False):
        super().__init__(bench, core)
        self.close = close

    def command(self):
        return [self.bench.binary("floor"), "--port", self.port, *self.words,
                *(["--close"] if self.close else [])]


class FloorJournal(Floor):
    name = "floor --journal"

    def command(self):
        return [*super().command(), "--journal", self.directory / "journal"]


class FloorLevel(Floor):
    name = "floor --level-triggered"
    words = ("--level-triggered",)


class FloorUndeferred(Floor):
    name = "floor --no-defer"
    words = ("--no-defer",)


class Nginx(Peer):
    name = "nginx return"
    program = "nginx"
    access_log = "off"

    def command(self):
        return ["nginx", "-p", self.directory, "-e", self.directory / "error.log", "-c",
                self.configure("nginx.conf", ACCESS_LOG=self.access_log, USER=_user(NGINX_USER))]


class NginxLog(Nginx):
    name = "nginx return, log"

    @property
    def access_log(self):
        return f"{self.directory}/access.log combined buffer=64k flush=1s"


class NginxLua(Peer):
    name = "nginx+Lua+Redis"
    program = "nginx"

    @classmethod
    def missing(cls):
        return super().missing() or ", ".join(path.name for path in LUA_NEEDS
                                              if not path.exists())

    def __init__(self, bench, core, redis, lru_items=LRU_ITEMS):
        super().__init__(bench, core)
        self.redis, self.lru_items = redis, lru_items

    def command(self):
        # The worker is not root, and gets at the script in a folder that may be root's.
        shutil.copy(TEMPLATES / "tap.lua", self.directory)
        self.redis.directory.chmod(0o755)
        return ["nginx", "-p", self.directory, "-e", self.directory / "error.log", "-c",
                self.configure("nginx-lua.conf", USER=_user(NGINX_USER), MODULES=MODULES,
                               PEERS=self.directory, REDIS=self.redis.path,
                               LRU_ITEMS=self.lru_items)]


class HAProxy(Peer):
    name = "HAProxy redirect"
    program = "haproxy"

    @classmethod
    def missing(cls):
        return "" if shutil.which("haproxy", path=_wide_path()) else "haproxy"

    def command(self):
        return [shutil.which("haproxy", path=_wide_path()), "-db", "-f",
                self.configure("haproxy.cfg", LOCATION=LOCATION.replace("%", "%%"))]


class H2O(Peer):
    name = "H2O redirect"
    program = "h2o"
    user = "nobody"

    def command(self):
        return ["h2o", "-m", "worker", "-c", self.configure("h2o.conf")]


def _user(line):
    """For root, whose workers must not be. (Only who is root may have this line.)"""
    return line if os.geteuid() == 0 else ""


def _wide_path():
    """Debian puts servers where a user's PATH may not look."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
