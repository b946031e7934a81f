-- webhook_retry.lua - takes a delivery up again, because somebody asked for it.
--
-- ARGV  1 redis.prefix   2 id   3 '1': delivered ones, too   4 now, Unix ms
--
-- Returns done; sooner: it was pending, and is due now; sending: it is on its way; delivered: left
-- alone; none. It gets the whole time to be delivered again, and attempts are counted on.

local call = redis.call
local prefix, id = ARGV[1], ARGV[2]
local key = prefix .. 'webhook:' .. id
local due = prefix .. 'webhooks:due'

local got = redis.pcall('HMGET', key, 'state', 'claimed_until', 'attempts')
if got.err or not got[1] then
    return 'none'
end
if got[1] == 'pending' then
    if (tonumber(got[2]) or 0) > tonumber(ARGV[4]) then
        return 'sending'
    end
    call('HSET', key, 'next_at', ARGV[4])
    call('ZADD', due, ARGV[4], id)
    return 'sooner'
end
if got[1] == 'delivered' and ARGV[3] ~= '1' then
    return 'delivered'
end
call('HSET', key, 'state', 'pending', 'next_at', ARGV[4], 'retried_at', ARGV[4],
     'retried_attempts', got[3] or '0')
call('PERSIST', key)
call('ZREM', prefix .. 'webhooks:over', id)
call('ZADD', prefix .. 'webhooks:open', ARGV[4], id)
call('ZADD', prefix .. 'webhooks:all', ARGV[4], id)
call('ZADD', due, ARGV[4], id)
return 'done'
