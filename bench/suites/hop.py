"""brinco's whole job beside the least that an epoll loop can cost, and beside other servers."""

from rig import Brinco, Table, machine, redis
from rig.peers import (Floor, FloorJournal, FloorLevel, FloorUndeferred, H2O, HAProxy, Nginx,
                           NginxLog, NginxLua)
from rig.rounds import COLUMNS, PASS_S, Mode, compare, goals_of, notes_of, rows_of

TITLE = "a redirect beside the floor and beside other servers"
QUICK = True

GOALS = {"kept-alive": 1.20, "kept-alive, pressed": 1.20, "new connection a tap": 1.25}
GATES = {"kept-alive": 1.5}  # passing it fails CI
CONNECTIONS = 64
PASSES, PASSES_QUICK = 3, 1
PEERS = (Nginx, NginxLog, HAProxy, H2O)
PRESSED_CONNECTIONS = 128
READ = [
    "CPU us: the server's processor time a redirect, user + system of all its threads; x floor: "
    "against the floor's in the same round: median, least, most.",
    "busy, load: share of their cores that server and load used; sleeps: how often a redirect "
    "found the server asleep; p99: of a closed loop, so it tells a queue's length.",
    "brinco does its whole job (look-up in its cache, GeoIP, User-Agent, visitor's hash, signed "
    "token, journal) and ships nothing.",
]

PRESSED = ["Asked by bench/tap_load, which is cheaper than wrk: servers find more to do each time "
           "they look, the floor above all."]


def run(bench):
    passes = PASSES_QUICK if bench.quick else PASSES
    modes = [Mode("kept-alive", CONNECTIONS, passes),
             Mode("new connection a tap", CONNECTIONS, passes, close=True)]
    if not bench.quick:
        modes.insert(1, Mode("kept-alive, pressed", PRESSED_CONNECTIONS, passes,
                             is_pressed=True))
    with redis(bench) as store:
        return [of_mode(bench, mode, store) for mode in modes]


def of_mode(bench, mode, store):
    core = bench.server_core
    servers = [Floor(bench, core, mode.close), FloorJournal(bench, core, mode.close),
               Brinco(bench, store, {}, core)]
    absent = []
    if not bench.quick:
        other = FloorUndeferred if mode.close else FloorLevel
        servers.append(other(bench, core, mode.close))
        for peer in (*PEERS, NginxLua):
            if peer.missing():
                absent.append({"server": peer.name, "CPU us": f"not installed: {peer.missing()}"})
            else:
                servers.append(peer(bench, core, *([store] if peer is NginxLua else [])))
    samples = compare(bench, mode, servers)
    return Table(
        f"A redirect, {mode.name}, {mode.connections} connections, {bench.rounds} rounds of "
        f"{mode.passes} x {PASS_S} s", COLUMNS, rows_of(samples, Floor.name) + absent,
        notes=READ + PRESSED * mode.is_pressed + peer_notes(bench) + notes_of(samples),
        goals=goals_of(samples, (Floor.name, Brinco.name),
                       {(Brinco.name, "x floor"): GOALS[mode.name]}),
        gates={(Brinco.name, "x floor"): GATES[mode.name]} if mode.name in GATES else {})


def peer_notes(bench):
    if bench.quick:
        return []
    versions = ", ".join(f"{name} {machine.version(name)}" for name in ("nginx", "haproxy", "h2o")
                         if machine.version(name))
    return [f"{versions}: return 302, redirect and redirect; they know one link, count nothing, "
            "and log only where it says so. bench/peers/tap.lua says what nginx+Lua+Redis lacks."]
