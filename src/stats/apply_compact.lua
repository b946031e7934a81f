-- apply_compact.lua - makes the hours of a link's day into the day.
--
-- ARGV  1 redis.prefix   2 code   3 day
--
-- Returns how many fields went. Doing it twice is the same as once. What is no cell, or no number,
-- stays as it is.

local CHUNK = 200
local prefix, code, day = ARGV[1], ARGV[2], ARGV[3]
local key, large = prefix .. 'stats:link:' .. code .. ':' .. day, prefix .. 'stats:large:' .. day
local all = redis.pcall('HGETALL', key)
if all.err then
    redis.call('SREM', large, code)
    return 0
end

local sums, hours, days = {}, {}, {}
for i = 1, #all, 2 do
    local hour, rest = string.match(all[i], '^([a-z])(%d%d%d.*)$')
    local count = hour and tonumber(all[i + 1])
    if count then
        local cell = '-' .. rest
        sums[cell] = (sums[cell] or 0) + count
        hours[#hours + 1] = all[i]
    end
end
for i = 1, #all, 2 do
    if sums[all[i]] then
        sums[all[i]] = sums[all[i]] + (tonumber(all[i + 1]) or 0)
    end
end
for cell, count in pairs(sums) do
    days[#days + 1] = cell
    days[#days + 1] = string.format('%d', count)
end
for at = 1, #days, CHUNK do
    redis.call('HSET', key, unpack(days, at, math.min(at + CHUNK - 1, #days)))
end
for at = 1, #hours, CHUNK do
    redis.call('HDEL', key, unpack(hours, at, math.min(at + CHUNK - 1, #hours)))
end
redis.call('SREM', large, code)
return #hours - #days / 2
