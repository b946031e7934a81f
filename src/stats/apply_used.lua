-- apply_used.lua - writes how many clicks of a link with max_clicks are counted.
--
-- ARGV  1 redis.prefix   2 code   3 days to look at, last one first: "YYYYMMDD BEGINS ENDS ...",
--       in Unix seconds
--
-- The sum of the link's human clicks that led on (to a store, the web, its own url, the desktop
-- page), over all edges, from its rollups since the hour in which the link was made: so it is right
-- however often this is done, and whatever somebody else wrote there. It never falls, since rollups
-- expire: stats:used keeps the sum, and which link it is of. Edges hear of the change as of any
-- other. Returns the sum, or -1 when there is nothing to write: no such link, or no limit any more.

local LED_ON = '[a-z-]0[0123:]*' -- of cells (stats/cell.h): any hour, human, these outcomes

local prefix, code = ARGV[1], ARGV[2]
local link, rollup = prefix .. 'link:' .. code, prefix .. 'stats:link:' .. code .. ':'
local kept_key = prefix .. 'stats:used'
local there = redis.pcall('HMGET', link, 'max_clicks', 'used', 'created_at')
redis.call('SREM', prefix .. 'stats:limited', code)
if there.err or not there[1] then
    redis.call('HDEL', kept_key, code)
    return -1
end

local sum, made_at = 0, tonumber(there[3]) or 0
for day, begins, ends in string.gmatch(ARGV[3], '(%d+) (%d+) (%d+)') do
    if tonumber(ends) <= made_at then
        break
    end
    local first = math.max(math.floor((made_at - tonumber(begins)) / 3600), 0) + string.byte('a')
    local cells = redis.pcall('HSCAN', rollup .. day, 0, 'MATCH', LED_ON, 'COUNT', 10000)
    for i = 1, cells.err and 0 or #cells[2], 2 do
        local hour = string.byte(cells[2][i])
        if hour >= first or hour == string.byte('-') then
            sum = sum + (tonumber(cells[2][i + 1]) or 0)
        end
    end
end

local kept, of = string.match(redis.call('HGET', kept_key, code) or '', '^(%d+) (%d+)$')
if kept and tonumber(of) == made_at then
    sum = math.max(sum, tonumber(kept))
end
local text = string.format('%d', sum)
redis.call('HSET', kept_key, code, text .. ' ' .. string.format('%d', made_at))
if there[2] ~= text then
    redis.call('HSET', link, 'used', text)
end
return sum
