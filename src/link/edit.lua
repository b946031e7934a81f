-- edit.lua - writes links and campaigns, and remembers who changed what.
--
-- ARGV  1 how: edit, merge, delete   2 redis.prefix   3 noun: link, campaign   4 the id's name
--       5 who  6 via  7 history.entries  8 seconds that a deleted record's history is kept
--       9 number of fields, and their names; then
--
--   edit    id, the whole key of the answer to keep ('': none), answer, its seconds, what was read,
--           what shall be ('': absent). Returns 0; 1: it is not what was read; 2: there is an answer
--   delete  id. Returns how many were there
--   merge   created_at of links that have none, and for each link its id, 1 if a field is given that
--           shall go, how many are given, and for each its name and value ('': it goes). Returns the
--           numbers of those whose keys hold something else, from 1
--
-- Who made a record stands in its own field `made`: MS VIA WHO. It moves into the stream before the
-- first change: most links are never changed, and a stream of their own would take four times the
-- memory that they do.

local call, try = redis.call, redis.pcall
local sub, find, format = string.sub, string.find, string.format
local VALUE_BYTES_MAX, MADE_BYTES_MAX, SECONDS_MAX = 16384, 200, 253402300799 -- rules are the longest
local MADE = '^(%d+) (%l+) (.+)$'
local how, prefix, noun, id_name = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local who, via, entries, gone_s = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]
local n = tonumber(ARGV[9])
local names = {unpack(ARGV, 10, 9 + n)}
local at = 10 + n
names[n + 1] = 'made'

-- What is too long is cut between characters, with a mark.
local function text(value)
    local size = #value
    if size > VALUE_BYTES_MAX then
        value = string.gsub(sub(value, 1, VALUE_BYTES_MAX), '[\194-\244]?[\128-\191]*$', '')
        value = format('%s... (%d bytes)', value, size)
    end
    return find(value, '[%c"\\\127]') and cjson.encode(value) or '"' .. value .. '"'
end

local function is_seconds(name, value)
    return sub(name, -3) == '_at' and #value <= 12 and
           (value == '0' or find(value, '^[1-9]%d*$')) and tonumber(value) <= SECONDS_MAX
end

local function json(id, values)
    local out = {'{"' .. id_name .. '":"' .. id .. '"'}
    for i = 1, n do
        local value = values[i]
        if value and value ~= '' then
            out[#out + 1] = ',"' .. names[i] .. '":' ..
                            (is_seconds(names[i], value) and value or text(value))
        end
    end
    return #out > 1 and table.concat(out) .. '}' or 'null'
end

-- Whole values count: texts that were cut may look the same.
local function differs(was, want)
    for i = 1, n do
        if (was[i] or '') ~= (want[i] or '') then
            return true
        end
    end
    return false
end

local now, made
local function now_ms()
    if not now then
        local time = call('TIME')
        now = time[1] .. format('%03d', math.floor(time[2] / 1000))
    end
    return now
end

local function add(key, ms, author, way, action, before, after)
    local id = try('XADD', key, 'MAXLEN', entries, '*', 'at', ms, 'who', author, 'via', way,
        'action', action, 'before', before, 'after', after)
    return type(id) == 'string'
end

-- Behind the change itself, which has failed before this if Redis refuses to write. What else stands
-- under the history's key, or a Redis that is full and lets things be deleted, is not in the way: then
-- there is no entry. A stream keeps 4 KiB ready for what comes; a copy of it is as small as what is
-- in it. Returns whether the entries are there.
local function remember(id, was, want)
    local before, after = json(id, was), json(id, want)
    local key = prefix .. 'history:' .. noun .. ':' .. id
    local is_there = call('EXISTS', key) == 1
    local into = is_there and key or prefix .. 'history:new'
    local ms, way, author = string.match(sub(was[n + 1] or '', 1, MADE_BYTES_MAX), MADE)
    local is_kept = true
    if ms and before ~= 'null' then
        is_kept = add(into, ms, author, way, 'create', 'null', before)
    end
    is_kept = add(into, now_ms(), who, via, after == 'null' and 'delete' or 'change', before,
                  after) and is_kept
    if is_there then
        call('PERSIST', key)
    else
        is_kept = try('COPY', into, key) == 1 and is_kept
        call('DEL', into)
    end
    return is_kept
end

local function forget(id)
    call('EXPIRE', prefix .. 'history:' .. noun .. ':' .. id, gone_s)
end

-- was: what HMGET of the names gave; want: '' for what shall be absent.
local function write(key, id, was, want)
    local set, gone, lived, lives = {}, {}, false, false
    for i = 1, n do
        local old, new = was[i], want[i]
        lived = lived or old and old ~= ''
        if new == '' then
            if old then
                gone[#gone + 1] = names[i]
            end
        else
            lives = true
            if new ~= old then
                set[#set + 1] = names[i]
                set[#set + 1] = new
            end
        end
    end
    if #set == 0 and #gone == 0 then
        return
    end
    local is_change = lived and entries > 0 and differs(was, want)
    if not lives and was[n + 1] then
        gone[#gone + 1] = 'made'
    elseif not lived and lives and entries > 0 then
        made = made or now_ms() .. ' ' .. via .. ' ' .. who
        set[#set + 1] = 'made'
        set[#set + 1] = made
    end
    if #set > 0 then
        call('HSET', key, unpack(set))
    end
    if #gone > 0 then
        call('HDEL', key, unpack(gone))
    end
    if is_change and remember(id, was, want) and lives and was[n + 1] then
        call('HDEL', key, 'made') -- it stands in the stream now
    end
    if not lives then
        forget(id)
    end
end

if how == 'edit' then
    local id, kept_key = ARGV[at], ARGV[at + 1]
    local key = prefix .. noun .. ':' .. id
    if kept_key ~= '' and call('EXISTS', kept_key) == 1 then
        return 2
    end
    local was, want = call('HMGET', key, unpack(names)), {}
    for i = 1, n do
        if (was[i] or '') ~= ARGV[at + 3 + i] then
            return 1
        end
        want[i] = ARGV[at + 3 + n + i]
    end
    write(key, id, was, want)
    if kept_key ~= '' then
        call('SET', kept_key, ARGV[at + 2], 'EX', ARGV[at + 3])
    end
    return 0
end

if how == 'delete' then
    local id = ARGV[at]
    local key = prefix .. noun .. ':' .. id
    local kind = call('TYPE', key).ok
    if kind == 'none' then
        return 0
    end
    if kind ~= 'hash' then -- nothing of ours: it stays
        return redis.error_reply('WRONGTYPE the key holds another kind of value')
    end
    local was = call('HMGET', key, unpack(names))
    call('DEL', key)
    if entries > 0 and differs(was, {}) then
        remember(id, was, {})
    end
    forget(id)
    return 1
end

-- What is most of an import, links that are new and links that stay as they are, takes no detour.
local created_at, refused, row, last, number = ARGV[at], {}, 0, #ARGV, {}
for i = 1, n do
    number[names[i]] = i
end
at = at + 1
while at <= last do
    local id, first, removes = ARGV[at], at + 3, ARGV[at + 1] == '1'
    local key, behind = prefix .. noun .. ':' .. id, first + 2 * ARGV[at + 2]
    row = row + 1
    if not removes and call('EXISTS', key) == 0 then
        if entries > 0 then
            made = made or now_ms() .. ' ' .. via .. ' ' .. who
            call('HSET', key, 'made', made, 'created_at', created_at,
                 unpack(ARGV, first, behind - 1))
        else
            call('HSET', key, 'created_at', created_at, unpack(ARGV, first, behind - 1))
        end
    else
        local was, stays = try('HMGET', key, unpack(names)), true
        if was.err then
            refused[#refused + 1] = row
        else
            stays = was[number.created_at]
            for i = first, behind - 2, 2 do
                stays = stays and (was[number[ARGV[i]]] or '') == ARGV[i + 1]
            end
        end
        if not stays then
            local want = {}
            for i = 1, n do
                want[i] = was[i] or ''
            end
            want[number.created_at] = was[number.created_at] or created_at
            for i = first, behind - 2, 2 do
                want[number[ARGV[i]]] = ARGV[i + 1]
            end
            write(key, id, was, want)
        end
    end
    at = behind
end
return refused
