-- reconcile_credit.lua - where judging stands in a stream of conversions, all at one moment.
--
-- ARGV  1 redis.prefix   2 stream   3 entries that are counted above the mark, at most
--
-- Returns {last id, entries added ever, mark, entries judged ever, entries above the mark}; texts
-- are '' and numbers -1 where there is none. An error: the stream, or one of the books, is none.

local prefix, stream = ARGV[1], ARGV[2]
local mark = redis.call('HGET', prefix .. 'conversion-mark', stream) or ''
local total = redis.call('HGET', prefix .. 'funnel:total', stream)
if redis.call('EXISTS', stream) == 0 then
    return {'', -1, mark, tonumber(total) or -1, 0}
end
local last, added = '', -1
local info = redis.call('XINFO', 'STREAM', stream)
for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
        last = info[i + 1]
    elseif info[i] == 'entries-added' then
        added = info[i + 1]
    end
end
local from = mark == '' and '-' or '(' .. mark
local above = #redis.call('XRANGE', stream, from, '+', 'COUNT', ARGV[3])
return {last, added, mark, tonumber(total) or -1, above}
