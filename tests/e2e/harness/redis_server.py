"""A Redis of one's own: Unix socket, append-only file, no TCP port."""

import os
import shutil
import signal
import subprocess

import redis

from .wait import wait_for


class RedisServer:
    """With appendfsync no, `kill -9` loses nothing: Redis writes its append-only file before it
    answers, and the kernel keeps what was written. (With everysec it holds writes back while it
    syncs. What that loses is what snapshot() and restore() are for.)"""

    def __init__(self, directory):
        self.directory = directory
        self.socket = directory / "redis.sock"
        self.environment = None  # ours
        self.process = None
        directory.mkdir(parents=True, exist_ok=True)
        assert len(str(self.socket)) < 108, "too long for a Unix socket"
        self.client = redis.Redis(unix_socket_path=str(self.socket), decode_responses=True,
                                  socket_timeout=10)

    @property
    def url(self):
        return f"unix://{self.socket}"

    def start(self, *options):
        command = ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir",
                   self.directory, "--appendonly", "yes", "--appendfsync", "no", "--save", "",
                   "--logfile", "redis.log", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=self.environment)
        wait_for(self._answers, what="Redis answers")
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "redis.log").read_text()[-2000:]
        try:
            return self.client.ping()
        except redis.exceptions.RedisError:
            return False

    def kill(self):
        """As a crash would. Also thaws: a frozen process dies all the same."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.client.connection_pool.disconnect()

    stop = kill

    def freeze(self):
        """From now on it accepts connections (the kernel does) and answers nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def forget(self):
        """Everything that was written: the next start is an empty one. Not while it runs."""
        assert self.process is None
        shutil.rmtree(self.directory / "appendonlydir", ignore_errors=True)

    def snapshot(self):
        """Copies the append-only file as it is now, while the server goes on."""
        copy = self.directory / "snapshot"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.directory / "appendonlydir", copy)

    def restore(self):
        """Goes back to the snapshot. Not while it runs."""
        self.forget()
        shutil.copytree(self.directory / "snapshot", self.directory / "appendonlydir")

    def hide(self):
        """Nobody can connect any more, and those who were connected are thrown out; the caller's
        own connection goes on. This is what a lost network looks like from brinco's side."""
        self.client.ping()
        os.rename(self.socket, self.directory / "hidden.sock")
        self.drop_clients()

    def drop_clients(self):
        for kind in ("normal", "pubsub"):
            self.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def show(self):
        os.rename(self.directory / "hidden.sock", self.socket)

    def calls(self, command):
        """How often a command was called since the server started."""
        return self.client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0)
