-- webhook_claim.lua - takes deliveries that are due, for as long as a lease lasts.
--
-- ARGV  1 redis.prefix   2 now, Unix ms   3 lease, ms        4 how many at most
--       5 how many a host may have on their way               6 of the due ones, pass over so many
--       7 ... and look at so many         8 bytes of a body at most    9 ... of a URL
--      10 attempts at most               11.. host, how many are on their way there, ...
--
-- Returns {claimed, where to go on, held back for their host's sake, failed, stray, an id that
-- failed, why, pending, since when the oldest one that was tried waits, when the next one is due};
-- claimed: id, campaign, url, host, body, attempt, step, ...
--
-- A delivery that can never be sent (no URL, no body, too large) fails here. What is on the list
-- and no pending delivery is taken off it: Redis may hold anything. If Redis refuses a write in the
-- middle, those that were claimed come back when their lease is over.

local EXPIRES_S = 30 * 86400
local HOST_MAX, CAMPAIGN_MAX, ID_MAX = 320, 255, 64

local call, try = redis.call, redis.pcall
local prefix, now = ARGV[1], tonumber(ARGV[2])
local until_ms = string.format('%.0f', now + tonumber(ARGV[3]))
local wanted, per_host = tonumber(ARGV[4]), tonumber(ARGV[5])
local offset, window = tonumber(ARGV[6]), tonumber(ARGV[7])
local due, open = prefix .. 'webhooks:due', prefix .. 'webhooks:open'
local busy = {}
for i = 11, #ARGV, 2 do
    busy[ARGV[i]] = tonumber(ARGV[i + 1])
end

-- A whole number up to 15 digits, or nil.
local function number(text)
    return text and #text <= 15 and string.match(text, '^%d+$') and tonumber(text)
end

local function length(key, field)
    local size = try('HSTRLEN', key, field)
    return type(size) == 'number' and size or 0
end

-- Why it can never be sent, or nil.
local function hopeless(key, attempts, tried)
    local url, body = length(key, 'url'), length(key, 'body')
    if url == 0 then return 'there is no url' end
    if url > tonumber(ARGV[9]) then return 'the url is too long' end
    if body == 0 then return 'there is no body' end
    if body > tonumber(ARGV[8]) then return 'the body is too large' end
    if tried >= tonumber(ARGV[10]) or attempts >= 1e9 then return 'too many attempts' end
    return nil
end

local claimed, taken, held, failed, stray = {}, 0, 0, 0, 0
local example, why = '', ''
local looked, left = 0, 0

local function drop(id)
    call('ZREM', due, id)
    call('ZREM', open, id)
end

local function take(id, key, url, campaign, begun, attempts, tried)
    local host = string.lower(string.match(url, '^%a[%w+.-]*://([^/?#]*)') or '')
    host = string.sub(host, 1, HOST_MAX)
    if (busy[host] or 0) >= per_host then
        held, left = held + 1, left + 1
        return
    end
    busy[host] = (busy[host] or 0) + 1
    taken = taken + 1
    local attempt = string.format('%.0f', attempts + 1)
    call('HSET', key, 'attempts', attempt, 'next_at', until_ms, 'claimed_until', until_ms,
         'created_at', begun.created, 'last_at', ARGV[2])
    call('ZADD', due, until_ms, id)
    call('ZADD', open, 'NX', begun.at, id)
    campaign = string.sub(campaign or '', 1, CAMPAIGN_MAX)
    for _, text in ipairs({id, campaign, url, host, call('HGET', key, 'body'), attempt,
                           string.format('%.0f', tried + 1)}) do
        claimed[#claimed + 1] = text
    end
end

local function look(id)
    local key = prefix .. 'webhook:' .. id
    local got = try('HMGET', key, 'state', 'url', 'campaign', 'created_at', 'attempts',
                    'retried_at', 'retried_attempts')
    if got.err or got[1] ~= 'pending' or #id > ID_MAX or not string.match(id, '^[%w_-]+$') then
        drop(id)
        stray = stray + 1
        return
    end
    local created = number(got[4]) or now
    local attempts = number(got[5]) or 0
    local tried = math.max(attempts - (number(got[7]) or 0), 0)
    local reason = hopeless(key, attempts, tried)
    if reason then
        call('HSET', key, 'state', 'failed', 'last_at', ARGV[2], 'last_error', reason)
        call('HDEL', key, 'next_at', 'claimed_until')
        call('EXPIRE', key, EXPIRES_S)
        drop(id)
        call('ZADD', prefix .. 'webhooks:over', ARGV[2], id)
        failed, example, why = failed + 1, id, reason
        return
    end
    local begun = {created = string.format('%.0f', created),
                   at = string.format('%.0f', number(got[6]) or created)}
    take(id, key, got[2], got[3], begun, attempts, tried)
end

local ids = call('ZRANGEBYSCORE', due, '-inf', ARGV[2], 'LIMIT', offset, window)
for _, id in ipairs(ids) do
    if taken >= wanted then
        break
    end
    looked = looked + 1
    look(id)
end

local is_through = taken >= wanted or (looked == #ids and #ids < window)
local oldest = call('ZRANGE', open, 0, 0, 'WITHSCORES')
local soonest = call('ZRANGE', due, 0, 0, 'WITHSCORES')
return {claimed, is_through and 0 or offset + left, held, failed, stray, example, why,
        call('ZCARD', due), oldest[2] or '', soonest[2] or ''}
