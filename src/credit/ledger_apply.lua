-- ledger_apply.lua - books a batch of judged conversions and moves on: all or nothing.
--
-- ARGV  1 redis.prefix   2 stream   3 mark expected ('' for none)   4 mark afterwards
--       5 stats.timezone   6 entries   7 those of them that were no conversions
--       8 seconds that what is known of a click is kept   9 now, Unix milliseconds
--      10 webhooks that there may be   11 names of the reasons, separated by spaces
--      then of each conversion what FIELDS names
--
-- Returns {'ok', damaged, where, webhooks refused, result ...}, a result being '1' (counted), '0'
-- (a repetition) or '-' (neither: it is damaged) and the reasons, a digit each; or {'mark', mark}
-- or {'zone', zone} when these are others than expected; the mark 'gone' stands for none, of a
-- stream of which entries were booked. An error: Redis refused the first write, and nothing was
-- written.
--
-- Nothing is rolled back when a script fails. So moving on is the first write, and from then on no
-- error ends the script: a key that cannot be written is counted, named and left as it is.

local FIELDS = {
    'id', 'event', 'status',
    'flags',    -- a digit for every reason: what judge_reasons() says
    'code', 'campaign', 'owner',
    'click',    -- the id that the token names; '' none
    'value', 'currency',
    'day', 'expires', -- of the funnel's keys
    'at',       -- when it happened
    'once',     -- of what is not verified: as what it counts once; '' always
    'click_at', 'visitor', 'network', -- of the click, when verified and known
    'visitor_key', 'visitor_max', 'network_key', 'network_max', -- '' no such check
    'credit_head', 'credit_tail', -- JSON before and after the reasons
    'webhook', 'body_head', 'body_tail',
}
local FIXED = 11
local JUDGED_MAX = 100000
local MANY_SECONDS = 2 * 86400
local EVICT_LOOK = 100 -- webhooks that are looked at for one that is over

local call, try = redis.call, redis.pcall
local prefix, stream, expected, after = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local zone, retain_s, now, webhooks_max = ARGV[5], ARGV[8], ARGV[9], tonumber(ARGV[10])
local mark_key, total_key = prefix .. 'conversion-mark', prefix .. 'funnel:total'
local due_key, all_key = prefix .. 'webhooks:due', prefix .. 'webhooks:all'
local over_key = prefix .. 'webhooks:over'

local zone_there = call('GET', prefix .. 'stats:zone')
if zone_there and zone_there ~= zone then
    return {'zone', zone_there}
end
local mark = call('HGET', mark_key, stream) or ''
if mark ~= expected then
    return {'mark', mark}
end
if mark == '' and call('HEXISTS', total_key, stream) == 1 then
    return {'mark', 'gone'}
end

local reasons, reason_at = {}, {}
for name in string.gmatch(ARGV[11], '%S+') do
    reasons[#reasons + 1] = name
    reason_at[name] = #reasons
end

local damaged, where, refused = 0, '', 0

local function damage(key, what)
    damaged = damaged + 1
    if where == '' then
        where = key .. ': ' .. tostring(what)
    end
end

-- The reply, or nil when it is an error. (A nil reply is false.)
local function attempt(key, command, ...)
    local reply = try(command, key, ...)
    if type(reply) == 'table' and reply.err then
        damage(key, reply.err)
        return nil
    end
    return reply
end

-- ---- once ----

local function raise_repeats(json)
    return (string.gsub(json, '"repeats":(%d+)}$', function(count)
        return string.format('"repeats":%.0f}', tonumber(count) + 1)
    end))
end

-- Whether a verified one counts: '1', '0' or '-'.
local function count_verified(c)
    local before = attempt(c.credit_key, 'HGET', 'event:' .. c.event)
    if before == nil then
        return '-'
    end
    if before then
        attempt(c.credit_key, 'HSET', 'event:' .. c.event, raise_repeats(before))
        attempt(c.credit_key, 'EXPIRE', retain_s)
        return '0'
    end
    return '1'
end

local function count(c)
    if c.status == 'verified' then
        return count_verified(c)
    end
    if c.once == '' then
        return '1'
    end
    local is_new = attempt(prefix .. 'once:' .. c.once, 'SET', '1', 'NX', 'EX', retain_s)
    if is_new == nil then
        return '-'
    end
    return is_new and '1' or '0'
end

-- ---- reasons ----

local function is_many(key, most)
    if key == '' then
        return false
    end
    key = prefix .. key
    local there = attempt(key, 'INCR')
    attempt(key, 'EXPIRE', MANY_SECONDS)
    return there and there > tonumber(most)
end

local function mark_reasons(c)
    c.marks = {}
    for i = 1, #reasons do
        c.marks[i] = string.sub(c.flags, i, i) == '1'
    end
    if c.status ~= 'verified' then
        return
    end
    if attempt(c.credit_key, 'EXISTS') ~= 0 then
        c.marks[reason_at.too_soon] = false -- it is not the first of this click
    end
    if c.counted == '1' then
        c.marks[reason_at.many_by_visitor] = is_many(c.visitor_key, c.visitor_max)
        c.marks[reason_at.many_by_network] = is_many(c.network_key, c.network_max)
    end
end

local function name_reasons(c)
    local words, quoted, digits = {}, {}, {}
    for i, name in ipairs(reasons) do
        digits[i] = c.marks[i] and '1' or '0'
        if c.marks[i] then
            words[#words + 1] = name
            quoted[#quoted + 1] = '"' .. name .. '"'
        end
    end
    c.words, c.quoted = table.concat(words, ' '), table.concat(quoted, ',')
    return table.concat(digits)
end

-- ---- books ----

local function add_to_funnel(c, scope)
    local key = prefix .. 'funnel:' .. scope .. ':' .. c.day
    if c.counted == '0' then
        attempt(key, 'HINCRBY', c.event .. '\trepeated', 1)
    else
        attempt(key, 'HINCRBY', c.event .. '\t' .. c.status, 1)
        if c.currency ~= '' then
            attempt(key, 'HINCRBY', c.event .. '\t' .. c.status .. '\t' .. c.currency, c.value)
        end
        for i, name in ipairs(reasons) do
            if c.marks[i] and c.status == 'verified' then
                attempt(key, 'HINCRBY', c.event .. '\t!' .. name, 1)
            end
        end
    end
    attempt(key, 'EXPIREAT', c.expires)
end

local function write_credit(c)
    local key = c.credit_key
    attempt(key, 'HSET', 'code', c.code, 'campaign', c.campaign, 'owner', c.owner,
            'at', c.click_at, 'visitor', c.visitor, 'network', c.network,
            'event:' .. c.event, c.credit_head .. c.quoted .. c.credit_tail)
    attempt(key, 'EXPIRE', retain_s)
end

local function write_judged(c)
    attempt(prefix .. 'judged', 'XADD', 'MAXLEN', '~', JUDGED_MAX, '*', 'id', c.id, 'at', c.at,
            'event', c.event, 'status', c.status, 'reasons', c.words, 'code', c.code,
            'campaign', c.campaign, 'owner', c.owner, 'click_id', c.click, 'value', c.value,
            'currency', c.currency, 'counted', c.counted == '1' and '1' or '0')
end

-- Forgets a webhook that is over; whether that freed a place.
local function forget(id)
    local key = prefix .. 'webhook:' .. id
    local state = try('HGET', key, 'state')
    if type(state) == 'string' and state == 'pending' then
        return false
    end
    call('DEL', key)
    attempt(due_key, 'ZREM', id)
    return attempt(all_key, 'ZREM', id) == 1
end

-- Makes room by forgetting the webhook that is over for the longest time, wherever it stands among
-- those that wait. What is not in the list of those that are over may still be none any more.
local function has_room()
    local there = attempt(all_key, 'ZCARD')
    if not there then
        return false
    end
    if there < webhooks_max then
        return true
    end
    for _, id in ipairs(attempt(over_key, 'ZRANGE', 0, EVICT_LOOK - 1) or {}) do
        attempt(over_key, 'ZREM', id)
        if forget(id) then
            return true
        end
    end
    for _, id in ipairs(attempt(all_key, 'ZRANGE', 0, EVICT_LOOK - 1) or {}) do
        if forget(id) then
            return true
        end
    end
    return false
end

local function enqueue(c)
    if c.webhook == '' then
        return
    end
    if not has_room() then
        refused = refused + 1
        return
    end
    attempt(prefix .. 'webhook:' .. c.id, 'HSET', 'campaign', c.campaign, 'url', c.webhook,
            'body', c.body_head .. c.quoted .. c.body_tail, 'state', 'pending', 'attempts', '0',
            'next_at', now, 'created_at', now, 'last_at', '', 'last_status', '', 'last_error', '')
    attempt(due_key, 'ZADD', now, c.id)
    attempt(all_key, 'ZADD', now, c.id)
end

local function book(c)
    c.credit_key = prefix .. 'credit:' .. c.click
    c.counted = count(c)
    mark_reasons(c)
    local digits = name_reasons(c)
    if c.counted ~= '-' then
        add_to_funnel(c, 'all')
        if c.campaign ~= '' then
            add_to_funnel(c, 'campaign:' .. c.campaign)
        end
        if c.code ~= '' and call('EXISTS', prefix .. 'link:' .. c.code) == 1 then
            add_to_funnel(c, 'link:' .. c.code)
        end
    end
    if c.counted == '1' and c.status == 'verified' then
        write_credit(c)
    end
    if c.counted == '1' then
        enqueue(c)
    end
    write_judged(c)
    return c.counted .. digits
end

local results = {}

local function book_all()
    attempt(total_key, 'HINCRBY', stream, ARGV[6])
    if ARGV[7] ~= '0' then
        attempt(total_key, 'HINCRBY', stream .. '\tmalformed', ARGV[7])
    end
    for at = FIXED, #ARGV - 1, #FIELDS do
        local c = {}
        for i, name in ipairs(FIELDS) do
            c[name] = ARGV[at + i]
        end
        results[#results + 1] = book(c)
    end
end

call('HSET', mark_key, stream, after)
if not zone_there then
    try('SET', prefix .. 'stats:zone', zone)
end
local is_done, result = pcall(book_all)
if not is_done then
    damage(stream .. ' ' .. after, result)
end
return {'ok', damaged, where, refused, unpack(results)}
