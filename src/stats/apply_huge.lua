-- apply_huge.lua - whether the next entry of a stream is too large to be read.
--
-- ARGV  1 stream   2 id after which it stands   3 bytes that can be read
--
-- Returns its id when it is, else ''.

local entry = redis.call('XRANGE', ARGV[1], '(' .. ARGV[2], '+', 'COUNT', 1)[1]
local bytes = 0
for _, text in ipairs(entry and entry[2] or {}) do
    bytes = bytes + #text
end
return bytes > tonumber(ARGV[3]) and entry[1] or ''
