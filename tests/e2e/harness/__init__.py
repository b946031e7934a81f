"""What the end-to-end tests stand on: servers, clients, and readers of what they leave behind.

redis_server  a Redis of one's own, to be killed, frozen and restored
brinco        the program under test
http          raw HTTP, so that nothing is corrected on the way
agents        User-Agent strings
clicks        the click streams, and what proves that they are complete
tokens        click tokens, verified from their description alone
journal       journal files, read and damaged byte by byte
reconcile     what `brinco reconcile` says
slow          clients that take their time
api           the admin side's /v1
clock         the wall clock of a program, moved while it runs
metrics       the Prometheus text
load          many taps at once, each answer remembered
system        all of it, wired together
"""
