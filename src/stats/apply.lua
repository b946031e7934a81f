-- apply.lua - adds a batch to the rollups, and moves the mark of its stream: all or nothing.
--
-- ARGV  1 redis.prefix   2 stream        3 mark expected ('' for none)   4 mark afterwards
--       5 zone           6 day           7 when the day's keys expire    8 ... those by the hour
--       9 entries       10 malformed    11 the batch, as fold_pack.c writes it
--
-- Returns {'ok', folded, damaged, where}, or {'mark', mark} or {'zone', zone} when the mark or the
-- zone is another one. An error: Redis refused the first write, and nothing was written.
--
-- Nothing is rolled back when a script fails. So the batch is unpacked before the first write, the
-- mark is the first write, and from then on no error ends the script: a key or field that cannot be
-- added to is counted, named and left as it is. (An error after the mark would cost the rest of a
-- batch; the other way round, a batch would be counted again and again.)
--
-- HMGET and HSET of all fields of a key are two commands, of which one goes to the append-only file
-- and the replicas: with these, half the work of an HINCRBY each.

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
local mark_key, zone_key = prefix .. 'mark', prefix .. 'stats:zone'

local zone_there = call('GET', zone_key)
if zone_there and zone_there ~= zone then
    return {'zone', zone_there}
end
local mark = call('HGET', mark_key, stream) or ''
if mark ~= ARGV[3] then
    return {'mark', mark}
end
local batch = cmsgpack.unpack(ARGV[11])

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

-- ---- cells ----

local names, amounts, pairs_out, absent = {}, {}, {}, {}
local coarser = {} -- cell ► its three coarser ones
local folded = {}  -- kind of key ► taps whose texts were given up

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
    if target ~= cell then
        folded[rules] = (folded[rules] or 0) + amount
    end
    return is_new and length + 1 or length
end

-- Adds amounts[i] to names[i] for i = first .. count; the fields before first are the caller's:
-- begin(values) puts what is to be written of them in pairs_out, and returns how much that is.
-- Returns the number of fields before, where that was asked for, and how many were new.
local function add_chunk(rules, key, first, count, begin)
    local values = attempt(key, 'HMGET', unpack(names, 1, count))
    if not values then
        return nil
    end
    local size, is_fresh, missing = 0, true, 0
    if begin then
        size = begin(values)
        is_fresh = not values[1] and not values[2]
    end
    for i = first, count do
        local value = values[i]
        if value then
            local number = tonumber(value)
            is_fresh = false
            if number and number % 1 == 0 and number < NUMBER_MAX and number > -NUMBER_MAX then
                pairs_out[size + 1] = names[i]
                pairs_out[size + 2] = format('%d', number + amounts[i])
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
            pairs_out[size + 2] = format('%d', amounts[absent[i]])
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

-- Takes pairs (number of a cell, how many: two bytes each) from position at of packed on, to behind
-- names[count]. Returns where it stopped, and the new count.
local function take_pairs(cells, packed, at, count)
    local size = #packed
    while at < size and count < CHUNK do
        local low, high, few, many = byte(packed, at, at + 3)
        at = at + 4
        count = count + 1
        names[count] = cells[low + high * 256]
        amounts[count] = few + many * 256
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

local function add_people_of_day(key, visitors)
    if visitors ~= '' then
        local is_new = attempt(key, 'EXISTS') == 0
        add_people(key, visitors)
        if is_new then
            attempt(key, 'EXPIREAT', expires)
        end
    end
end

local function is_listed(list, visitor)
    for at = 1, #list, 8 do
        if sub(list, at, at + 7) == visitor then
            return true
        end
    end
    return false
end

-- What a link's field "@" becomes; nil: it stays as it is.
local function add_people_of_link(key, unique_key, list, visitors)
    if list == 'H' then
        add_people(unique_key, visitors)
        return nil
    end
    if #list % 8 ~= 0 or #list > PEOPLE_MAX * 8 then
        damage(key, '@', 'not a list of visitors')
        return nil
    end
    local before = list
    for at = 1, #visitors, 8 do
        local visitor = sub(visitors, at, at + 7)
        if not is_listed(list, visitor) then
            list = list .. visitor
            if #list > PEOPLE_MAX * 8 then
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
    top.out[top.size + 1] = format('%d', total)
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

-- ---- scopes ----

local day_cells, hour_cells = batch[1], batch[2]
local campaigns = {} -- by number in the batch: id, key of its first codes

local function add_all()
    local key = prefix .. 'stats:all:' .. day
    add_cells({cells_max = ALL_DAY_CELLS_MAX, expires = expires}, key, day_cells, batch[4])
    add_cells({cells_max = ALL_HOURS_CELLS_MAX, expires = hours_expire}, key .. ':h', hour_cells,
              batch[4])
    add_people_of_day(prefix .. 'unique:all:' .. day, batch[3])
end

local function add_campaigns()
    local day_rules = {cells_max = CAMPAIGN_DAY_CELLS_MAX, expires = expires}
    local hours_rules = {cells_max = CAMPAIGN_HOURS_CELLS_MAX, expires = hours_expire}
    local list = batch[5]
    for i = 1, #list, 3 do
        local id = list[i]
        local key = prefix .. 'stats:campaign:' .. id .. ':' .. day
        campaigns[#campaigns + 1] = {
            id = id,
            total = '=' .. id,
            top = id ~= '' and prefix .. 'top:campaign:' .. id .. ':' .. day,
        }
        if id ~= '' then
            add_cells(day_rules, key, day_cells, list[i + 2])
            add_cells(hours_rules, key .. ':h', hour_cells, list[i + 2])
            add_people_of_day(prefix .. 'unique:campaign:' .. id .. ':' .. day, list[i + 1])
        end
    end
end

local link_rules = {cells_max = LINK_CELLS_MAX, expires = expires}
local link_prefix = #(prefix .. 'stats:link:')
local top_all = prefix .. 'top:all:' .. day

-- packed: campaign, humans, visitors (two bytes each), the visitors, and pairs
local function add_link(key, packed)
    local campaign_low, campaign_high, few, many, low, high = byte(packed, 1, 6)
    local humans, at = few + many * 256, 7 + 8 * (low + high * 256)
    local visitors = sub(packed, 7, at - 1)
    local campaign = campaigns[campaign_low + campaign_high * 256]
    local begin, first, count = nil, 1, 0
    if humans > 0 then
        names[1], names[2], first, count = '@', campaign.total, 3, 2
        begin = function(values)
            local size, tail = 0, sub(key, link_prefix + 1)
            if visitors ~= '' then
                local list = add_people_of_link(key, prefix .. 'unique:link:' .. tail,
                                                values[1] or '', visitors)
                if list then
                    pairs_out[1], pairs_out[2], size = '@', list, 2
                end
            end
            local total = tonumber(values[2] or 0)
            if not total or total % 1 ~= 0 or total >= NUMBER_MAX or total <= -NUMBER_MAX then
                damage(key, campaign.total, 'not a number')
                return size
            end
            total = total + humans
            pairs_out[size + 1], pairs_out[size + 2] = campaign.total, format('%d', total)
            local top = top_of(top_all)
            if total > top.floor then
                rank(top, sub(tail, 1, -10) .. '\t' .. campaign.id, total)
            end
            top = campaign.top and top_of(campaign.top)
            if top and total > top.floor then
                rank(top, sub(tail, 1, -10), total)
            end
            return size + 2
        end
    end
    repeat
        at, count = take_pairs(hour_cells, packed, at, count)
        local length, added = add_chunk(link_rules, key, first, count, begin)
        if length and length <= LARGE and length + added > LARGE then
            local large = prefix .. 'stats:large:' .. day
            attempt(large, 'SADD', sub(key, link_prefix + 1, -10))
            attempt(large, 'EXPIREAT', expires)
        end
        begin, first, count = nil, 1, 0
    until at >= #packed
end

-- ---- totals ----

local function add_totals()
    local key = prefix .. 'stats:streams:' .. day
    local is_new = attempt(key, 'EXISTS') == 0
    attempt(key, 'HINCRBY', stream, ARGV[9])
    if ARGV[10] ~= '0' then
        attempt(key, 'HINCRBY', stream .. '\tmalformed', ARGV[10])
    end
    if is_new then
        attempt(key, 'EXPIREAT', expires)
    end
    attempt(prefix .. 'stats:total', 'HINCRBY', stream, ARGV[9])
end

local function add_index()
    local key, index = prefix .. 'stats:index:' .. day, batch[6]
    local is_new = attempt(key, 'EXISTS') == 0
    for i = 1, #index, 2 do
        attempt(key, 'HINCRBY', index[i], index[i + 1])
    end
    local most = 0
    for _, taps in pairs(folded) do
        most = max(most, taps)
    end
    if most > 0 then
        attempt(key, 'HINCRBY', OTHER, most)
    end
    if is_new then
        attempt(key, 'EXPIREAT', expires)
    end
    return most
end

local function add_batch()
    add_totals()
    add_all()
    add_campaigns()
    local links = batch[7]
    for i = 1, #links, 2 do
        add_link(links[i], links[i + 1])
    end
    write_tops()
    return add_index()
end

call('HSET', mark_key, stream, ARGV[4])
if not zone_there then
    try('SET', zone_key, zone)
end
local is_done, result = pcall(add_batch)
if not is_done then
    damage(stream, ARGV[4], result)
    result = 0
end
return {'ok', result, damaged, where}
