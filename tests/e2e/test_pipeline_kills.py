"""Edge, collectors and Redis are killed at random under load: the totals are what clients saw."""

import collections
import random
import time

from harness import clicks
from harness.api import Api
from harness.brinco import Brinco
from harness.load import Load
from harness.wait import wait_for

ROUNDS = 30
CODES = ["AB12CD", "CODE1", "CODE2", "CODE3"]
KINDS = ("clicks", "previews", "bots", "prefetches", "heads")


class Pipeline:
    """An edge, two collectors and a Redis, each a process of its own."""

    def __init__(self, system):
        self.system = system
        for code in CODES[1:]:
            system.link(code)
        directory = system.brinco.directory.parent
        self.collectors = [Brinco(directory / f"c{n}", system.redis.url, serve__roles="collector")
                           for n in range(2)]
        self.start_collectors()
        self.answered, self.broken = collections.Counter(), 0

    def start_collectors(self):
        for collector in self.collectors:
            if collector.process is None:
                collector.start(wait=False)

    def close(self):
        for collector in self.collectors:
            collector.close()

    def tap_while(self, what):
        """Load while something happens, then what its clients saw."""
        with Load(self.system.brinco.port, CODES, threads=4, pause=0.001) as load:
            wait_for(lambda: load.count() > 20)
            what()
        self.answered.update(answer.code for answer in load.answers)
        self.broken += len(load.broken)

    def restart_redis(self, older):
        """With older, it comes back as it was a moment ago, as after a power cut."""
        if older:
            self.system.redis.snapshot()
            time.sleep(0.2)
        self.system.redis.kill()
        if older:
            self.system.redis.restore()
        self.system.redis.start()

    def kill(self, chance):
        """One or two of the four, at the same moment or one after the other."""
        victims = chance.sample(["edge", "redis", "older", "collector", "collectors"],
                                chance.choice((1, 1, 2)))
        for victim in victims:
            time.sleep(chance.uniform(0, 0.15))
            if victim == "edge":
                self.system.brinco.kill()
                self.system.brinco.start()
            elif victim in ("redis", "older"):
                self.restart_redis(victim == "older")
            else:
                for collector in self.collectors[: 1 if victim == "collector" else 2]:
                    collector.kill()
        self.start_collectors()

    def entries(self):
        self.system.wait_shipped()
        return self.system.clicks()


def total(report):
    return sum(report["totals"][name] for name in KINDS)


def test_kill_9_of_everything_at_random_counts_what_the_clients_saw(make_system):
    system = make_system()
    pipeline = Pipeline(system)
    try:
        chance = random.Random(30)
        for _ in range(ROUNDS):
            pipeline.tap_while(lambda: pipeline.kill(chance))
        system.brinco.ready()
        entries = pipeline.entries()
        clicks.assert_streams_are_sound(entries)
        api = Api(system)

        def is_counted():
            return total(api.stats("", interval="total")) >= len(entries)

        wait_for(is_counted, what="everything is counted")
        time.sleep(1.2)  # a second count of something would show by now
        assert total(api.stats("", interval="total")) == len(entries)
        by_code = collections.Counter(entry["code"] for entry in entries)
        for code in CODES:
            assert total(api.stats(f"links/{code}", interval="total")) == by_code[code]
            # An answer may be lost with the connection that carried it.
            assert by_code[code] >= pipeline.answered[code]
        answered = sum(pipeline.answered.values())
        assert answered <= len(entries) <= answered + pipeline.broken
        outcome = system.brinco.cli("reconcile")
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    finally:
        pipeline.close()
