"""What an idle connection and a cached link cost in memory, and a million links in all."""

from rig import Brinco, Table, redis
from rig.taps import Taps, kernel_slab, median, memory, metric, tap_every_code

TITLE = "Memory"
QUICK = False

IDLE = 10_000
IDLE_FEW = 1_000
LINKS = 1_000_000
CODE_BYTES = 8
ROUNDS_QUICK = 1
# Filling the cache asks Redis as fast as it can, on a core that it shares with the load.
FILLED = {"serve.roles": "edge api", "redis.timeout_ms": 10_000}

GOAL_IDLE_BYTES = 400
GOAL_RESIDENT_MB = 150


def idle_round(bench, store):
    """Bytes of brinco's and of the kernel for each of IDLE connections. That the first IDLE_FEW are
    there before makes room for what only the first ones need."""
    with Brinco(bench, store, {}, bench.server_core) as server:
        with Taps(bench, server.port, connections=64, idle=IDLE_FEW, seconds=0.5) as warm:
            warm.run()
            before, kernel = memory(server.pid), kernel_slab()
            with Taps(bench, server.port, connections=1, idle=IDLE, seconds=0.5) as taps:
                taps.run()
                after, kernel_after = memory(server.pid), kernel_slab()
    return {"resident": (after["all"] - before["all"]) / IDLE,
            "anonymous": (after["anonymous"] - before["anonymous"]) / IDLE,
            "kernel": (kernel_after - kernel) / IDLE}


def idle_table(bench, store, rounds):
    results = []
    for number in range(rounds):
        results.append(idle_round(bench, store))
        bench.say(f"  idle connections, round {number + 1}: "
                  f"{results[-1]['anonymous']:.0f} bytes")
    row = {"": f"{IDLE:,} idle connections",
           "bytes each": median([it["anonymous"] for it in results]),
           "resident": median([it["resident"] for it in results]),
           "kernel, both ends": median([it["kernel"] for it in results])}
    return Table("Memory: an idle connection (bytes)", list(row), [row],
                 notes=["bytes each: growth of brinco's anonymous memory by that many connections, "
                        "each of which was tapped once",
                        "resident: pages of files and of the journal included",
                        "kernel, both ends: growth of the machine's slab: sockets, files and epoll "
                        "items of brinco and of the load, which runs on the same machine"],
                 goals={"bytes each": GOAL_IDLE_BYTES})


def links_round(bench, store):
    with Brinco(bench, store, FILLED, bench.server_core) as server:
        with Taps(bench, server.port, connections=256, seconds=0.5) as warm:
            warm.run()
        before, cache_before = memory(server.pid), metric(server, "brinco_link_cache_bytes")
        tap_every_code(bench, server, LINKS)
        after, cache_after = memory(server.pid), metric(server, "brinco_link_cache_bytes")
        entries = metric(server, "brinco_link_cache_entries")
        evicted = metric(server, "brinco_link_cache_evictions_total")
    return {"entries": entries, "evicted": evicted, "after": after,
            "table": cache_before / LINKS,
            "resident": (after["anonymous"] - before["anonymous"]) / LINKS,
            "accounted": (cache_after - cache_before) / LINKS}


def links_tables(bench, store, rounds):
    bench.say(f"  loading {LINKS:,} links into Redis")
    store.load_links(LINKS)
    results = []
    for number in range(rounds):
        results.append(links_round(bench, store))
        bench.say(f"  links, round {number + 1}: {results[-1]['resident']:.0f} bytes each, "
                  f"{results[-1]['after']['all'] / 1e6:.0f} MB resident")
    each = {"": "a cached link",
            "bytes": median([it["resident"] for it in results]),
            "beyond its key": median([it["resident"] for it in results]) - CODE_BYTES,
            "blocks by brinco's count": median([it["accounted"] for it in results]),
            "entries": min(it["entries"] for it in results),
            "evicted": max(it["evicted"] for it in results)}
    full = {name: median([it["after"][name] / 1e6 for it in results])
            for name in ("all", "anonymous", "file", "shared")}
    row = {"": f"{LINKS:,} links cached", "MB in all": full["all"], "anonymous": full["anonymous"],
           "journal and program": full["file"] + full["shared"]}
    return [
        Table("Memory: a cached link (bytes)", list(each), [each],
              notes=[f"growth of anonymous memory by {LINKS:,} links, their share of the table "
                     f"included; a key has {CODE_BYTES} bytes, templates are the campaign's",
                     "blocks by brinco's count: growth of brinco_link_cache_bytes; the table, "
                     f"{median([it['table'] for it in results]):.0f} bytes for each of these "
                     "links, is in it from the beginning"]),
        Table("Memory: resident size (MB)", list(row), [row],
              notes=["one worker, roles edge and api, cache.max_mb and journal.segment_mb as "
                     "they are by default"],
              goals={"MB in all": GOAL_RESIDENT_MB})]


def run(bench):
    rounds = ROUNDS_QUICK if bench.quick else min(bench.rounds, 3)
    with redis(bench) as store:
        return [idle_table(bench, store, rounds), *links_tables(bench, store, rounds)]
