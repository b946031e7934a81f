-- ledger_read.lua - the next entries of a stream of conversions, above its mark.
--
-- ARGV  1 redis.prefix   2 stream   3 entries at most   4 bytes that an entry may have
--
-- Returns {mark, last id of the stream, entries ...}, an entry being {id, {name, value, ...}}; of
-- one that is too large to be a conversion the fields are left out. mark is '' when there is none;
-- {'gone'} when there is none of a stream of which entries were booked: to begin anew would book
-- them twice; {'bad', mark} when it is none.

local FIELDS_MAX = 64
local MARK_MAX = 41 -- bytes of two numbers of 64 bits
local prefix, stream, bytes_max = ARGV[1], ARGV[2], tonumber(ARGV[4])
local mark = redis.call('HGET', prefix .. 'conversion-mark', stream)
if not mark then
    if redis.call('HEXISTS', prefix .. 'funnel:total', stream) == 1 then
        return {'gone'}
    end
    mark = ''
elseif #mark > MARK_MAX or not string.match(mark, '^%d+%-%d+$') then
    return {'bad', string.sub(mark, 1, 64)}
end

local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local from = mark == '' and '-' or '(' .. mark
local result = {mark, last and last[1] or ''}
for _, entry in ipairs(redis.call('XRANGE', stream, from, '+', 'COUNT', ARGV[3])) do
    local bytes = 0
    for _, text in ipairs(entry[2]) do
        bytes = bytes + #text
    end
    if bytes > bytes_max or #entry[2] > 2 * FIELDS_MAX then
        entry[2] = {}
    end
    result[#result + 1] = entry
end
return result
