-- webhook_trim.lua - keeps the lists of all deliveries, and of those that are over, to those that
-- there are.
--
-- ARGV  1 redis.prefix   2 now, Unix ms   3 how many the list may hold
--       4 of those that may be gone, pass over so many   5 ... and look at so many
--
-- Returns {how many were taken off, where to go on; 0: at the beginning}.

local DELIVERED_MS = 7 * 86400000 -- younger ones are all there
local FAILED_MS = 30 * 86400000   -- older ones are all gone

local call = redis.call
local all, now = ARGV[1] .. 'webhooks:all', tonumber(ARGV[2])
local offset, window = tonumber(ARGV[4]), tonumber(ARGV[5])

local over = ARGV[1] .. 'webhooks:over'
call('ZREMRANGEBYSCORE', over, '-inf', string.format('%.0f', now - FAILED_MS))

local gone = 0
local ids = call('ZRANGEBYSCORE', all, '-inf', string.format('%.0f', now - DELIVERED_MS),
                 'LIMIT', offset, window)
for _, id in ipairs(ids) do
    if call('EXISTS', ARGV[1] .. 'webhook:' .. id) == 0 then
        gone = gone + call('ZREM', all, id)
        call('ZREM', over, id)
    end
end
local next_offset = #ids < window and 0 or offset + #ids - gone
local too_many = call('ZCARD', all) - tonumber(ARGV[3])
if too_many > 0 then
    gone = gone + call('ZREMRANGEBYRANK', all, 0, too_many - 1)
end
return {gone, next_offset}
