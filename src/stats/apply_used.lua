-- apply_used.lua - writes how many clicks of a link with max_clicks are counted.
--
-- ARGV  1 redis.prefix   2 code   3 days to look at, the last one first: "YYYYMMDD ENDS ...", where
--       ENDS is when it ends, in Unix seconds
--
-- The sum of the link's human clicks, over all edges, from its rollups since the link was made: so
-- it is right however often this is done. It never falls, since rollups expire. Edges hear of the
-- change as of any other. Returns the sum, or -1 when there is nothing to write: no such link, or
-- no limit any more.

local prefix, code = ARGV[1], ARGV[2]
local link, rollup = prefix .. 'link:' .. code, prefix .. 'stats:link:' .. code .. ':'
local there = redis.pcall('HMGET', link, 'max_clicks', 'used', 'created_at')
redis.call('SREM', prefix .. 'stats:limited', code)
if there.err or not there[1] then
    return -1
end

local sum, made_at = 0, tonumber(there[3]) or 0
for day, ends in string.gmatch(ARGV[3], '(%d+) (%d+)') do
    if tonumber(ends) <= made_at then
        break
    end
    local totals = redis.pcall('HSCAN', rollup .. day, 0, 'MATCH', '=*', 'COUNT', 10000)
    for i = 2, totals.err and 0 or #totals[2], 2 do
        sum = sum + (tonumber(totals[2][i]) or 0)
    end
end
if sum > (tonumber(there[2]) or 0) then
    redis.call('HSET', link, 'used', string.format('%d', sum))
end
return sum
