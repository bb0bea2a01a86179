/** Counted calls, the arguments that follow the named ones, and lists. Every script begins with it. */
export const BASE: string = `
local floor, fmt, sub, match, find = math.floor, string.format, string.sub, string.match, string.find
local commands = 1
local function call(...) commands = commands + 1 return redis.call(...) end
local function arg() cursor = cursor + 1 return ARGV[cursor] end
local function num() cursor = cursor + 1 return tonumber(ARGV[cursor]) end
local function text(n) return fmt("%.0f", n) end
local function put(list, ...) for i = 1, select("#", ...) do list[#list + 1] = (select(i, ...)) end end
local function split(s)
  local out = {}
  for part in string.gmatch(s .. "|", "([^|]*)|") do out[#out + 1] = part end
  return out
end
local function join(v)
  local last = (v[10] or "") ~= "" and 10 or (v[9] or "") ~= "" and 9 or 8
  for i = 1, last do v[i] = v[i] or "" end
  return table.concat(v, "|", 1, last)
end
local function flush(command, key, list, option)
  for i = 1, #list, 2000 do
    local last = math.min(i + 1999, #list)
    if option then call(command, key, option, unpack(list, i, last)) else call(command, key, unpack(list, i, last)) end
  end
end`;

/** The broker's clock, in ms and µs: the one place where a script asks for the time (Redis command TIME). `CALLED_CLOCK` is its fallback. */
export const CLOCK: string = `
local time = call("TIME")
local us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = floor(us / 1000)`;

/** Records by id: Baton's ids carry their shard, a caller's are hashed as in \`core/id.ts\`. */
export const BODIES: string = `
local function shard(id)
  if sub(id, 1, 1) == "~" then return tonumber(sub(id, 2, 2)) end
  local h = 0
  for i = 1, #id do h = (h * 31 + string.byte(id, i)) % 65521 end
  return h % 8
end
local function body(id) return bodies[shard(id)] end
local function by_shard(ids, step)
  local groups = {}
  for i = 1, #ids, step do
    local s = shard(ids[i])
    groups[s] = groups[s] or {}
    put(groups[s], i)
  end
  return groups
end
local function read(ids)
  local out = {}
  for s, places in pairs(by_shard(ids, 1)) do
    for first = 1, #places, 2000 do
      local fields = {}
      for j = first, math.min(first + 1999, #places) do put(fields, ids[places[j]]) end
      local found = call("HMGET", bodies[s], unpack(fields))
      for j = 1, #found do out[places[first + j - 1]] = found[j] end
    end
  end
  return out
end
local function store(entries)
  for s, places in pairs(by_shard(entries, 2)) do
    local list = {}
    for j = 1, #places do put(list, entries[places[j]], entries[places[j] + 1]) end
    flush("HSET", bodies[s], list)
  end
end
local function forget(ids)
  for s, places in pairs(by_shard(ids, 1)) do
    local list = {}
    for j = 1, #places do put(list, ids[places[j]]) end
    flush("HDEL", bodies[s], list)
  end
end`;

/** Whether the time of an ended record is over, although nothing has swept it yet: its id is free again. */
export const FORGETTABLE: string = `
local function forgettable(record)
  local till = match(record, "^[CXE]|%d+|(%d+)|")
  return till and tonumber(till) <= now
end`;

/** What a record's header line says. Flags: \`r\` related, \`c\` counted, \`s\` a schedule; behind them the concurrency key and its limit, \`key,limit\`, and the group. \`group_in\` says in which group the end counts that a record is of; a dead one is \`uncommitted\` while a claim is remembered of it. Needs the clock. */
export const HEADER: string = `
local function header(record)
  local h = split(match(record, "^[^\\n]*"))
  return { tag = h[1], us = tonumber(h[2]) or us, due = tonumber(h[3]) or 0, priority = tonumber(h[4]) or 0, name = h[5] or "", dedupe = h[6] or "", died = h[7], attempt = h[8], bytes = tonumber(h[9]) or 0, flags = h[1] == "D" and h[10] or h[1] ~= "D" and h[7] or "", group = h[8], lane = h[1] == "D" and h[11] or h[1] == "L" and h[8] or "" }
end
local function group_in(record)
  local h = split(match(record, "^[^\\n]*"))
  return h[1] == "D" and h[12] or h[1] ~= "D" and #h == 6 and h[6] or ""
end
local function uncommitted(v) return v and (tonumber(v[1]) or 0) > 0 end`;

/** Where a live task stands in line, and whether it stands nowhere; a priority over 20 goes before all others. Needs \`zready\`, \`zdue\`. */
export const LINE: string = `
local function place(at, priority) return text(at - (priority > 20 and 1e16 or priority * 60000000)) end
local function sortable(order)
  order = tonumber(order)
  return fmt("%016.0f", order < -3e15 and order > -5e15 and order + 4e15 or order)
end
local function due_score(at, priority) return fmt("%.5f", at + (priority + 10) / 32) end
local function line_up(id, at, priority, order)
  if at > now then put(zdue, due_score(at, priority), id)
  else put(zready, place(at > 0 and at * 1000 or order, priority), id) end
end
local function unindexed(id)
  if call("ZSCORE", ready, id) or call("ZSCORE", due, id) or call("ZSCORE", lease, id) then return false end
  return not find(split(call("HGET", state, "t:" .. id) or "")[6] or "", "[ln]")
end`;
