-- webhook_settle.lua - writes down what came of an attempt.
--
-- ARGV  1 redis.prefix   2 id       3 attempt      4 delivered, failed or later   5 now, Unix ms
--       6 delay of `later`, ms      7 after so many ms it is given up
--       8 the answer's status, or ''    9 what was wrong, or ''
--
-- Returns delivered, failed, later; before: it has an outcome already, or is gone; others: its
-- lease was over and somebody else tries it. With the last two nothing is written. An outcome is
-- written from pending only, so that there is one, however many think that they have it.

local DELIVERED_EXPIRES_S, FAILED_EXPIRES_S = 7 * 86400, 30 * 86400

local call = redis.call
local prefix, id, verdict, now = ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[5])
local key = prefix .. 'webhook:' .. id
local due, open = prefix .. 'webhooks:due', prefix .. 'webhooks:open'

local function number(text)
    return text and #text <= 15 and string.match(text, '^%d+$') and tonumber(text)
end

local got = redis.pcall('HMGET', key, 'state', 'attempts', 'created_at', 'retried_at')
if got.err or got[1] ~= 'pending' then
    call('ZREM', due, id)
    call('ZREM', open, id)
    return 'before'
end
if verdict == 'later' then
    if got[2] ~= ARGV[3] then
        return 'others'
    end
    local last = (number(got[4]) or number(got[3]) or 0) + tonumber(ARGV[7])
    if now < last then
        local next_ms = string.format('%.0f', math.min(now + tonumber(ARGV[6]), last))
        call('HSET', key, 'next_at', next_ms, 'last_status', ARGV[8], 'last_error', ARGV[9])
        call('HDEL', key, 'claimed_until')
        call('ZADD', due, next_ms, id)
        return 'later'
    end
    verdict = 'failed'
end
call('HSET', key, 'state', verdict, 'last_at', ARGV[5], 'last_status', ARGV[8],
     'last_error', ARGV[9])
call('HDEL', key, 'next_at', 'claimed_until')
call('EXPIRE', key, verdict == 'delivered' and DELIVERED_EXPIRES_S or FAILED_EXPIRES_S)
call('ZREM', due, id)
call('ZREM', open, id)
call('ZADD', prefix .. 'webhooks:over', ARGV[5], id)
return verdict
