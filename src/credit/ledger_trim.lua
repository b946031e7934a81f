-- ledger_trim.lua - takes away what is judged and older than it has to be kept.
--
-- ARGV  1 redis.prefix   2 stream   3 Unix milliseconds before which entries may go
--
-- Returns how many are gone. The mark is read here and now: Redis may have come back older since
-- anybody looked. The stream's key and its last id stay, whatever goes.

local mark = redis.call('HGET', ARGV[1] .. 'conversion-mark', ARGV[2])
local mark_ms = mark and tonumber(string.match(mark, '^(%d+)%-%d+$'))
if not mark_ms then
    return 0
end
local first_kept = mark_ms < tonumber(ARGV[3]) and mark or ARGV[3]
return redis.call('XTRIM', ARGV[2], 'MINID', '~', first_kept, 'LIMIT', 10000)
