-- apply.lua - adds a batch, or a part of one, to the rollups and moves on: all or nothing.
--
-- ARGV  1 redis.prefix   2 stream        3 mark expected ('' for none)   4 mark afterwards
--       5 zone           6 day           7 when the day's keys expire    8 ... those by the hour
--       9 entries       10 malformed    11 number of this part, from 0  12 number of parts
--      13 the part, as fold_pack.c writes it
--
-- A batch in several parts stands in the hash `pending` from its first part on, with the mark that
-- it leads to, the number of its parts, and how many are written; the mark moves with the last one.
--
-- Returns {'ok', folded, damaged, where}, or {'mark', mark, pending} or {'zone', zone} when these
-- are others than expected; the mark 'gone' stands for none, of a stream of which entries were
-- counted: to begin anew would count them twice. An error: Redis refused the first write, and
-- nothing was written.
--
-- Nothing is rolled back when a script fails. So the part is unpacked before the first write, moving
-- on (`mark`, `pending`) is the first write, and from then on no error ends the script: a key or
-- field that cannot be added to is counted, named and left as it is. (Moving on last, a part would
-- be counted again and again.)
--
-- HMGET and HSET of all fields of a key are half the work of an HINCRBY each.

local CHUNK = 200           -- fields a command
local NUMBER_MAX = 2 ^ 53   -- beyond it a double is no longer exact
local PEOPLE_MAX = 8        -- visitors listed in a link's field "@"
local LARGE = 128           -- fields from which on a link's day is worth compacting
local TOP_MAX = 1000
local LINK_CELLS_MAX = 1000 -- cells, of these limits and a half more of coarser ones
local CAMPAIGN_DAY_CELLS_MAX, CAMPAIGN_HOURS_CELLS_MAX = 5000, 24000
local ALL_DAY_CELLS_MAX, ALL_HOURS_CELLS_MAX = 10000, 48000
local OTHER = '\1'

local call, try = redis.call, redis.pcall
local byte, sub, format = string.byte, string.sub, string.format
local tonumber, unpack, min, max = tonumber, unpack, math.min, math.max

local prefix, stream, zone, day = ARGV[1], ARGV[2], ARGV[5], ARGV[6]
local expires, hours_expire = ARGV[7], ARGV[8]
local part, parts = tonumber(ARGV[11]), tonumber(ARGV[12])
local is_last = part + 1 == parts
local mark_key, zone_key = prefix .. 'mark', prefix .. 'stats:zone'
local pending_key = prefix .. 'pending'

local zone_there = call('GET', zone_key)
if zone_there and zone_there ~= zone then
    return {'zone', zone_there}
end
local mark = call('HGET', mark_key, stream) or ''
local pending = call('HGET', pending_key, stream) or ''
local batch_name = ARGV[4] .. ' ' .. parts .. ' '
if mark ~= ARGV[3] or pending ~= (part > 0 and batch_name .. part or '') then
    return {'mark', mark, pending}
end
if mark == '' and call('HEXISTS', prefix .. 'stats:total', stream) == 1 then
    return {'mark', 'gone', ''}
end
local batch = cmsgpack.unpack(ARGV[13])

-- ---- damage ----

local damaged, where = 0, ''

local function damage(key, field, what)
    damaged = damaged + 1
    if where == '' then
        where = key .. ' ' .. field .. ': ' .. tostring(what)
    end
end

-- The reply, or nil when it is an error.
local function attempt(key, command, ...)
    local reply = try(command, key, ...)
    if type(reply) == 'table' and reply.err then
        damage(key, '', reply.err)
        return nil
    end
    return reply
end

-- ---- numbers ----

-- Most numbers are small and come again and again: it pays to convert each but once.
local function is_exact(number)
    return number and number % 1 == 0 and number < NUMBER_MAX and number > -NUMBER_MAX
end

-- Of a string: the number that it is, or false.
local number_of = setmetatable({}, {
    __index = function(known, text)
        local number = tonumber(text)
        number = is_exact(number) and number
        known[text] = number
        return number
    end,
})

local text_of = setmetatable({}, {
    __index = function(known, number)
        local text = format('%d', number)
        known[number] = text
        return text
    end,
})

-- ---- cells ----

local names, amounts, pairs_out, absent = {}, {}, {}, {}
local coarser = {} -- cell ► its three coarser ones
local folded, folded_of_all = 0, 0 -- taps whose texts were given up, once for each full list

local function other(text)
    return text == '' and '' or OTHER
end

local function coarser_of(cell)
    local found = coarser[cell]
    if not found then
        local head, country, region, browser, in_app, language, referrer, source = string.match(
            cell, '^(....)([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$')
        local tail = '\t' .. other(referrer) .. '\t' .. other(source)
        found = {
            head .. country .. '\t' .. region .. '\t' .. browser .. '\t' .. in_app .. '\t' ..
                language .. tail,
            head .. country .. '\t' .. other(region) .. '\t' .. other(browser) .. '\t' ..
                other(in_app) .. '\t' .. other(language) .. tail,
            head .. OTHER .. string.rep('\t' .. OTHER, 6),
        }
        coarser[cell] = found
    end
    return found
end

-- A cell for which there is no room is added to a coarser one: without referrer and source, then
-- without region, browser, app and language, and at last, where the vocabularies bound what there
-- can be, without country.
local function add_coarser(rules, key, cell, amount, length)
    local coarse = coarser_of(cell)
    local there = attempt(key, 'HMGET', coarse[1], coarse[2])
    if not there then
        return length
    end
    local target, is_new = coarse[3], false
    if there[1] or length < rules.cells_max * 1.25 then
        target, is_new = coarse[1], not there[1]
    elseif there[2] or length < rules.cells_max * 1.5 then
        target, is_new = coarse[2], not there[2]
    end
    attempt(key, 'HINCRBY', target, amount)
    if target ~= cell and not rules.is_hours then
        folded = folded + amount
        folded_of_all = folded_of_all + (rules.is_all and amount or 0)
    end
    return is_new and length + 1 or length
end

-- Adds amounts[i] to names[i] for i = first .. count. The fields before first are the caller's:
-- begin(key, values) puts what is to be written of them in pairs_out, and returns how much that is.
-- Returns the number of fields before, where that was asked for, and how many were new.
local function add_chunk(rules, key, first, count, begin)
    local values = attempt(key, 'HMGET', unpack(names, 1, count))
    if not values then
        return nil
    end
    local size, is_fresh, missing = 0, true, 0
    if begin then
        size = begin(key, values)
        is_fresh = not values[1] and not values[2]
    end
    for i = first, count do
        local value = values[i]
        if value then
            local number = number_of[value]
            is_fresh = false
            if number then
                pairs_out[size + 1] = names[i]
                pairs_out[size + 2] = text_of[number + amounts[i]]
                size = size + 2
            else
                damage(key, names[i], 'not a number')
            end
        else
            missing = missing + 1
            absent[missing] = i
        end
    end
    local length, room
    if missing > 0 then
        -- A link that nobody was counted for has no cells, or a few of machines.
        if begin and is_fresh and count < 64 then
            room = missing
        else
            length = call('HLEN', key)
            room = max(min(missing, rules.cells_max - length), 0)
        end
        for i = 1, room do
            pairs_out[size + 1] = names[absent[i]]
            pairs_out[size + 2] = text_of[amounts[absent[i]]]
            size = size + 2
        end
    end
    if size > 0 then
        attempt(key, 'HSET', unpack(pairs_out, 1, size))
    end
    if is_fresh then
        attempt(key, 'EXPIREAT', rules.expires)
    end
    if missing > 0 and room < missing then
        local now = length + room
        for i = room + 1, missing do
            now = add_coarser(rules, key, names[absent[i]], amounts[absent[i]], now)
        end
    end
    return length, room
end

-- Takes pairs (number of a cell in two bytes, how many in three) from position at of packed on, to
-- behind names[count]. Returns where it stopped, and the new count.
local function take_pairs(cells, packed, at, count)
    local size = #packed
    while at < size and count < CHUNK do
        local low, high, few, many, lots = byte(packed, at, at + 4)
        at = at + 5
        count = count + 1
        names[count] = cells[low + high * 256]
        amounts[count] = few + many * 256 + lots * 65536
    end
    return at, count
end

local function add_cells(rules, key, cells, packed)
    local at, count = 1, 0
    while at < #packed do
        at, count = take_pairs(cells, packed, at, 0)
        add_chunk(rules, key, 1, count, nil)
    end
end

-- ---- people ----

-- visitors: eight bytes each.
local function add_people(key, visitors)
    local list, count = {}, 0
    for at = 1, #visitors, 8 do
        count = count + 1
        list[count] = sub(visitors, at, at + 7)
        if count == CHUNK or at + 8 > #visitors then
            attempt(key, 'PFADD', unpack(list, 1, count))
            count = 0
        end
    end
end

local function add_to_day(key, add, what)
    local is_new = attempt(key, 'EXISTS') == 0
    add(key, what)
    if is_new then
        attempt(key, 'EXPIREAT', expires)
    end
end

local function add_people_of_day(key, visitors)
    return visitors ~= '' and add_to_day(key, add_people, visitors)
end

local function is_listed(list, visitor)
    for at = 1, #list, 8 do
        if sub(list, at, at + 7) == visitor then
            return true
        end
    end
    return false
end

local link_prefix, link_unique_prefix = #(prefix .. 'stats:link:'), prefix .. 'unique:link:'

-- What a link's field "@" becomes; nil: it stays as it is.
local function add_people_of_link(key, list, visitors)
    if list == 'H' then
        add_people(link_unique_prefix .. sub(key, link_prefix + 1), visitors)
        return nil
    end
    if #list % 8 ~= 0 or #list > PEOPLE_MAX * 8 then
        damage(key, '@', 'not a list of visitors')
        return nil
    end
    local before = list
    for at = 1, #visitors, 8 do
        local visitor = #visitors == 8 and visitors or sub(visitors, at, at + 7)
        if not is_listed(list, visitor) then
            list = list .. visitor
            if #list > PEOPLE_MAX * 8 then
                local unique_key = link_unique_prefix .. sub(key, link_prefix + 1)
                add_people(unique_key, list .. sub(visitors, at + 8))
                attempt(unique_key, 'EXPIREAT', expires)
                return 'H'
            end
        end
    end
    return list ~= before and list or nil
end

-- ---- the first codes ----

local tops = {}

local function top_of(key)
    local top = tops[key]
    if not top then
        local count = attempt(key, 'ZCARD')
        top = {key = key, count = count or 0, floor = -1, size = 0, out = {}}
        if not count then
            top.floor = math.huge
        elseif count >= TOP_MAX then
            top.floor = tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
        end
        tops[key] = top
    end
    return top
end

local function rank(top, member, total)
    top.out[top.size + 1] = text_of[total]
    top.out[top.size + 2] = member
    top.size = top.size + 2
end

local function write_tops()
    for key, top in pairs(tops) do
        for at = 1, top.size, CHUNK do
            attempt(key, 'ZADD', unpack(top.out, at, min(at + CHUNK - 1, top.size)))
        end
        if top.size > 0 then
            attempt(key, 'ZREMRANGEBYRANK', 0, -TOP_MAX - 1)
            if top.count == 0 then
                attempt(key, 'EXPIREAT', expires)
            end
        end
    end
end

-- ---- limits ----

-- Of a link with max_clicks, apply_used.lua is to write how many there are.
local function note_limit(code)
    if try('HEXISTS', prefix .. 'link:' .. code, 'max_clicks') == 1 then
        attempt(prefix .. 'stats:limited', 'SADD', code)
    end
end

-- ---- scopes ----

local hour_cells = batch[1]
local day_cells = setmetatable({}, {
    __index = function(cells, number)
        local cell = '-' .. sub(hour_cells[number], 2)
        cells[number] = cell
        return cell
    end,
})
local campaigns = {} -- by number in the batch

local function add_all()
    local whole = batch[2]
    if #whole == 0 then
        return
    end
    local key = prefix .. 'stats:all:' .. day
    add_cells({cells_max = ALL_DAY_CELLS_MAX, expires = expires, is_all = true}, key, day_cells,
              whole[2])
    add_cells({cells_max = ALL_HOURS_CELLS_MAX, expires = hours_expire, is_hours = true},
              key .. ':h', hour_cells, whole[2])
    add_people_of_day(prefix .. 'unique:all:' .. day, whole[1])
end

local function add_campaigns()
    local day_rules = {cells_max = CAMPAIGN_DAY_CELLS_MAX, expires = expires}
    local hours_max = CAMPAIGN_HOURS_CELLS_MAX
    local hours_rules = {cells_max = hours_max, expires = hours_expire, is_hours = true}
    for number, id in ipairs(batch[3]) do
        campaigns[number] = {
            id = id,
            total = '=' .. id,
            top = id ~= '' and prefix .. 'top:campaign:' .. id .. ':' .. day,
        }
    end
    local list = batch[4]
    for i = 1, #list, 3 do
        local id = campaigns[list[i]].id
        local key = prefix .. 'stats:campaign:' .. id .. ':' .. day
        add_cells(day_rules, key, day_cells, list[i + 2])
        add_cells(hours_rules, key .. ':h', hour_cells, list[i + 2])
        add_people_of_day(prefix .. 'unique:campaign:' .. id .. ':' .. day, list[i + 1])
    end
end

local link_rules = {cells_max = LINK_CELLS_MAX, expires = expires}
local top_all, large_key = prefix .. 'top:all:' .. day, prefix .. 'stats:large:' .. day
local campaign, humans, visitors -- of the link at hand

-- What a link has beside its cells, when there were humans: names[1] "@", names[2] "=CAMPAIGN".
local function add_humans(key, values)
    local size = 0
    if visitors ~= '' then
        local list = add_people_of_link(key, values[1] or '', visitors)
        if list then
            pairs_out[1], pairs_out[2], size = '@', list, 2
        end
    end
    local total = number_of[values[2] or '0']
    if not total then
        damage(key, campaign.total, 'not a number')
        return size
    end
    total = total + humans
    note_limit(sub(key, link_prefix + 1, -10))
    pairs_out[size + 1], pairs_out[size + 2] = campaign.total, text_of[total]
    local top = top_of(top_all)
    if total > top.floor then
        rank(top, sub(key, link_prefix + 1, -10) .. '\t' .. campaign.id, total)
    end
    top = campaign.top and top_of(campaign.top)
    if top and total > top.floor then
        rank(top, sub(key, link_prefix + 1, -10), total)
    end
    return size + 2
end

-- packed: campaign (two bytes), humans, visitors (three each), the visitors, and pairs
local function add_link(key, packed)
    local low, high, few, many, lots, a, b, c = byte(packed, 1, 8)
    local at, begin, first, count = 9 + 8 * (a + b * 256 + c * 65536), nil, 1, 0
    humans = few + many * 256 + lots * 65536
    if humans > 0 then
        campaign = campaigns[low + high * 256]
        visitors = sub(packed, 9, at - 1)
        names[1], names[2] = '@', campaign.total
        begin, first, count = add_humans, 3, 2
    end
    repeat
        at, count = take_pairs(hour_cells, packed, at, count)
        local length, added = add_chunk(link_rules, key, first, count, begin)
        if length and length <= LARGE and length + added > LARGE then
            attempt(large_key, 'SADD', sub(key, link_prefix + 1, -10))
            attempt(large_key, 'EXPIREAT', expires)
        end
        begin, first, count = nil, 1, 0
    until at >= #packed
end

-- ---- totals ----

local function add_totals(key)
    attempt(key, 'HINCRBY', stream, ARGV[9])
    if ARGV[10] ~= '0' then
        attempt(key, 'HINCRBY', stream .. '\tmalformed', ARGV[10])
    end
    attempt(prefix .. 'stats:total', 'HINCRBY', stream, ARGV[9])
end

local function add_index(key, index)
    for i = 1, #index, 2 do
        attempt(key, 'HINCRBY', index[i], index[i + 1])
    end
    if folded_of_all > 0 then
        attempt(key, 'HINCRBY', OTHER, folded_of_all)
    end
end

local function add_part()
    add_all()
    add_campaigns()
    local links = batch[5]
    for i = 1, #links, 2 do
        add_link(links[i], links[i + 1])
    end
    write_tops()
    if is_last then
        add_to_day(prefix .. 'stats:streams:' .. day, add_totals)
    end
    if #batch[6] > 0 or folded_of_all > 0 then
        add_to_day(prefix .. 'stats:index:' .. day, add_index, batch[6])
    end
end

if not is_last then
    call('HSET', pending_key, stream, batch_name .. (part + 1))
else
    call('HSET', mark_key, stream, ARGV[4])
    if parts > 1 then
        call('HDEL', pending_key, stream)
    end
end
if not zone_there then
    try('SET', zone_key, zone)
end
local is_done, result = pcall(add_part)
if not is_done then
    damage(stream, ARGV[4], result)
end
return {'ok', folded, damaged, where}
