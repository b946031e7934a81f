-- A tap in nginx, Lua and Redis, as somebody would write it with what Debian has: link and campaign
-- from an LRU, else from Redis over a pooled connection; the template by the User-Agent; a click
-- token of time, counter and chance, signed with HMAC-SHA1 (what ngx_lua has built in); a 302.
--
-- What it leaves out of brinco's work: GeoIP, crawlers and preview fetchers, browsers and apps,
-- language, referrer, source, the visitor's hash, times of validity, invalidation (entries live 60 s),
-- and the journal: a click that it answered is nowhere.
local lrucache = require "resty.lrucache"
local redis = require "nginx.redis"

local TTL_S = 60
local POOL_IDLE_MS = 60000
local POOL_SIZE = 64
local TIMEOUT_MS = 1000
local KEY = "0123456789abcdef0123456789abcdef"

local function fetch(socket, key)
    local client = redis:new()
    client:set_timeout(TIMEOUT_MS)
    local ok = client:connect("unix:" .. socket)
    if not ok then
        return nil
    end
    local answer, err = client:hgetall(key)
    if not answer then
        client:close()
        return nil
    end
    client:set_keepalive(POOL_IDLE_MS, POOL_SIZE)
    return client:array_to_hash(answer)
end

local function lookup(cache, socket, key)
    local found = cache:get(key)
    if found == nil then
        found = fetch(socket, key)
        if found then
            cache:set(key, found, TTL_S)
        end
    end
    return found
end

local function token(code, counter)
    local id = string.format("%08x%08x", ngx.now() * 1000 % 0x100000000,
                             (counter * 2654435761 + math.random(0, 0xffff)) % 0x100000000)
    local mac = ngx.hmac_sha1(KEY, id .. code)
    local text = ngx.encode_base64(id .. mac:sub(1, 8), true)
    return (text:gsub("[+/]", {["+"] = "-", ["/"] = "_"}))
end

local function new(socket, items)
    local cache = assert(lrucache.new(items))
    local counter = 0
    return function()
        local code = ngx.var.uri:sub(2)
        local link = lookup(cache, socket, "brinco:link:" .. code)
        if not link or not link.campaign then
            return ngx.exit(link and 404 or 503)
        end
        local campaign = lookup(cache, socket, "brinco:campaign:" .. link.campaign)
        if not campaign or not campaign.web then
            return ngx.exit(campaign and 404 or 503)
        end
        counter = counter + 1
        local agent = ngx.var.http_user_agent or ""
        local template = agent:find("Android", 1, true) and campaign.android or campaign.web
        local referrer = "utm_source%3Dbrinco%26utm_medium%3Dreferral%26utm_campaign%3D"
            .. link.campaign .. "%26utm_content%3D" .. code .. "%26click%3D" .. token(code, counter)
        local from, to = template:find("{referrer}", 1, true)
        local location = from and template:sub(1, from - 1) .. referrer .. template:sub(to + 1)
            or template
        ngx.header["Cache-Control"] = "private, no-store"
        return ngx.redirect(location, 302)
    end
end

return {new = new}
