-- apply_forget.lua - lets go of a stream that has been silent for longer than entries are kept.
--
-- ARGV  1 redis.prefix   2 stream   3 Unix milliseconds since which it must have been silent
--
-- Returns 1 when it is gone from the sets, else 0. What is counted and left over in it goes
-- (exactly, where trimming leaves up to a hundred entries), but never its key: with it, its last id
-- would go, and an edge that comes back could write below its mark. So the mark stays, too.

local prefix, stream, silent_since = ARGV[1], ARGV[2], tonumber(ARGV[3])
local mark = redis.call('HGET', prefix .. 'mark', stream)
local heard = redis.call('HGET', prefix .. 'heard', stream)
if heard and redis.call('EXISTS', stream) == 0 then
    -- Its edge is gone and never wrote, or it was deleted by hand. (Not heard of: it may have been
    -- announced a moment ago.)
    mark = mark or '0-0'
end
local mark_ms = mark and tonumber(string.match(mark, '^(%d+)%-%d+$'))
if not mark_ms or mark_ms >= silent_since or
    redis.call('HEXISTS', prefix .. 'pending', stream) == 1 then
    return 0
end
local heard_ms = heard and tonumber(string.match(heard, '^%d+'))
if heard_ms and heard_ms >= silent_since then
    return 0
end
local beyond = redis.call('XRANGE', stream, '(' .. mark, '+', 'COUNT', 1)
if #beyond > 0 then
    return 0
end
-- All that is left is at or below the mark, which is below silent_since.
if redis.call('EXISTS', stream) == 1 then
    redis.call('XTRIM', stream, 'MINID', string.format('%.0f', silent_since))
end
redis.call('SREM', prefix .. 'streams', stream)
redis.call('HDEL', prefix .. 'heard', stream)
return 1
