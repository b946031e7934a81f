"""Every tap another code out of a million: no cache is large enough."""

from rig import Brinco, Table, redis
from rig.peers import Floor, NginxLua
from rig.rounds import COLUMNS, PASS_S, Mode, compare, goals_of, notes_of, rows_of

TITLE = "every tap another link of a million (cache misses)"
QUICK = False

GOAL = 2.2
LINKS = 1_000_000
STRIDE = 618_033  # coprime to LINKS: every link comes once before one comes again
CACHE_MB = 1
LRU_ITEMS = 1000
CONNECTIONS = 64
PASSES = 3
TEMPLATE = "L{:07d}"
# One string for each link would be too much for wrk's Lua; this is two concatenations a request.
SCRIPT = """
local count, stride = %d, %d
local at = %d
local before, behind
function init()
  local head = wrk.format("GET", "/@")
  local from = head:find("@", 1, true)
  before, behind = head:sub(1, from - 1), head:sub(from + 1)
end
function request()
  at = (at + stride) %% count
  return before .. string.format("L%%07d", at) .. behind
end
"""


def run(bench):
    core = bench.server_core
    with redis(bench) as store:
        bench.say(f"  loading {LINKS:,} links")
        store.load_links(LINKS, TEMPLATE)
        mode = Mode("misses", CONNECTIONS, PASSES, path=f"/{TEMPLATE.format(1)}",
                    lua=SCRIPT % (LINKS, STRIDE, 1))
        servers = [Floor(bench, core), Brinco(bench, store, {"cache.max_mb": CACHE_MB}, core)]
        absent = []
        if NginxLua.missing():
            absent = [{"server": NginxLua.name, "CPU us": f"not installed: {NginxLua.missing()}"}]
        else:
            servers.append(NginxLua(bench, core, store, LRU_ITEMS))
        samples = compare(bench, mode, servers)
    return [Table(
        f"A redirect that misses the cache, {CONNECTIONS} connections, {bench.rounds} rounds of "
        f"{PASSES} x {PASS_S} s", COLUMNS, rows_of(samples, Floor.name) + absent,
        notes=[f"Every tap asks for another of {LINKS:,} links in Redis; brinco's cache has "
               f"{CACHE_MB} MB, the LRU of nginx+Lua+Redis {LRU_ITEMS:,} entries. Redis' own "
               "time is not in it, and runs on the load's core.",
               "The floor looks nothing up: it is the floor of kept connections.",
               *notes_of(samples)],
        goals=goals_of(samples, (Floor.name, Brinco.name), {(Brinco.name, "x floor"): GOAL}))]
