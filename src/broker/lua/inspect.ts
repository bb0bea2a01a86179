import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, HEADER, LINE } from "./base.ts";
import { GROUPS, MISSED } from "./group.ts";
import { LANES, MARK_LANES, STAND } from "./lane.ts";
import { PARKED } from "./park.ts";
import { MARK_LEASES, PLANT } from "./commit.ts";

const RECORDS = `
local function check_waiting(id, record)
  local h = header(record)
  local g = call("HGET", state, "g:" .. (h.group or ""))
  local flags, callback = match(g or "", "|(%a*)|%d+|%d+|%d+|?%d*\\n(.*)$")
  if not g then found("orphan", id, function() forget({ id }) end)
  elseif not flags or find(flags, "f", 1, true) or callback ~= id then
    found("unindexed", id, function()
      local since, head, envelope = match(record, "^W|(%d+)(|[^\\n]*)|[^|\\n]*(\\n.*)$")
      line_up(id, 0, h.priority, tonumber(since))
      call("HSET", body(id), id, "L|" .. since .. head .. envelope)
    end)
  end
end
local function check_records(n)
  local page = call("HSCAN", bodies[n], from, "COUNT", 200)
  local ids, records, fields = {}, {}, {}
  for i = 1, #page[2], 2 do
    if page[2][i] ~= "!canary" then put(ids, page[2][i]) put(records, page[2][i + 1]) put(fields, "t:" .. page[2][i]) end
  end
  if #ids == 0 then return page[1] end
  local in_ready, in_due, in_lease = call("ZMSCORE", ready, unpack(ids)), call("ZMSCORE", due, unpack(ids)), call("ZMSCORE", lease, unpack(ids))
  local in_dead, in_ends, states = call("ZMSCORE", dead, unpack(ids)), call("ZMSCORE", ends, unpack(ids)), call("HMGET", state, unpack(fields))
  for i = 1, #ids do
    checked = checked + 1
    local id, ended = ids[i], match(records[i], "^([CXED])|%d")
    local v = states[i] and split(states[i])
    local held = in_lease[i] and v and v[2] and v[2] ~= ""
    if ended == "D" then
      if not in_dead[i] then found("unindexed", id, function() call("ZADD", dead, header(records[i]).died, id) end) end
    elseif ended then
      if not in_ends[i] then found("unswept", id, function() call("ZADD", ends, match(records[i], "^.|%d+|(%d+)"), id) end) end
    elseif sub(records[i], 1, 2) == "W|" then check_waiting(id, records[i])
    elseif v and find(v[6] or "", "l", 1, true) then
      if not call("ZSCORE", line, spot(v, id)) then found("unindexed", id, function() call("ZADD", line, 0, spot(v, id)) end) end
    elseif is_parked(v) then
      local at = parked_spot(v, id, header(records[i]).name)
      if not call("ZSCORE", line, at) then found("unindexed", id, function() call("ZADD", line, 0, at) end)
      elseif in_ready[i] then found("doubled", id, function() call("ZREM", ready, id) end) end
    elseif not (in_ready[i] or in_due[i] or held) then
      found("unindexed", id, function()
        if v and v[2] and v[2] ~= "" then
          call("ZADD", lease, text(now), id)
          mark_leases()
          return
        end
        local h = header(records[i])
        if h.lane ~= "" and not v then stand(id, h.due, h.priority, h.us, h.lane)
        elseif v and (v[3] or "") ~= "" and h.due <= now then put(zready, v[3], id)
        else line_up(id, h.due, h.priority, h.us) end
      end)
    elseif find(header(records[i]).flags, "s", 1, true) and not call("ZSCORE", line, "s:" .. id) then
      found("unindexed", "s:" .. id, function() call("ZADD", line, 0, "s:" .. id) end)
    elseif held and (in_ready[i] or in_due[i]) or in_ready[i] and in_due[i] then
      found("doubled", id, function()
        call("ZREM", due, id)
        if held then call("ZREM", ready, id) end
      end)
    end
  end
  return page[1]
end`;

const INDEXES = `
local function check_index(key)
  local page = call("ZSCAN", key, from, "COUNT", 200)
  local ids, fields = {}, {}
  for i = 1, #page[2], 2 do
    if sub(page[2][i], 1, 1) ~= "!" then put(ids, page[2][i]) put(fields, "t:" .. page[2][i]) end
  end
  if #ids == 0 then return page[1] end
  local records, states = read(ids), call("HMGET", state, unpack(fields))
  for i = 1, #ids do
    checked = checked + 1
    local v = states[i] and split(states[i])
    local ended = records[i] and match(records[i], "^[CXED]|%d")
    local fits = records[i] and not ended
    if part == "dead" then fits = ended and sub(ended, 1, 1) == "D"
    elseif part == "lease" then fits = fits and v and v[2] and v[2] ~= "" end
    if not fits then found("ghost", ids[i], function() call("ZREM", key, ids[i]) end) end
  end
  return page[1]
end`;

const MEMORIES = `
local function check_ends()
  local page = call("ZSCAN", ends, from, "COUNT", 200)
  local ids = {}
  for i = 1, #page[2], 2 do
    local member = page[2][i]
    local kind = sub(member, 1, 2)
    if kind == "c:" or kind == "d:" or kind == "g:" or kind == "k:" then checked = checked + 1
    elseif member ~= "!canary" then put(ids, member) end
  end
  local records = read(ids)
  for i = 1, #ids do
    checked = checked + 1
    if not (records[i] and match(records[i], "^[CXE]|%d")) then found("ghost", ids[i], function() call("ZREM", ends, ids[i]) end) end
  end
  return page[1]
end
local function check_state()
  local page = call("HSCAN", state, from, "COUNT", 200)
  local ids, values, fields, keys = {}, {}, {}, {}
  for i = 1, #page[2], 2 do
    local field, kind = page[2][i], sub(page[2][i], 1, 2)
    if kind == "t:" then put(ids, sub(field, 3)) put(values, page[2][i + 1])
    elseif kind == "c:" or kind == "d:" or kind == "g:" then put(fields, field)
    elseif kind == "k:" then put(keys, sub(field, 3) .. ",0") end
  end
  gather(keys)
  for i = 1, #keys do
    checked = checked + 1
    local key = key_of(keys[i])
    local k = lanes[key]
    local waits = call("ZLEXCOUNT", line, "[k:" .. key .. "|", "(k:" .. key .. "}")
    local rests = k[9] > 0 and call("ZSCORE", line, resting(k[9], key))
    if waits ~= k[2] or k[9] > 0 and not rests or waits > 0 and k[1] < k[3] and k[9] == 0 then
      found("marker", "k:" .. key, function()
        if not rests then k[9] = 0 end
        change(key, 0, waits - k[2])
      end)
    end
  end
  local records = read(ids)
  for i = 1, #ids do
    checked = checked + 1
    if values[i] == "!" or not records[i] or match(records[i], "^[CXED]|%d") then found("orphan", "t:" .. ids[i], function()
      local v = split(values[i])
      if (v[4] or "") ~= "" then
        gather({ v[4] })
        leave(ids[i], v)
      end
      if records[i] then miss("t:" .. ids[i], v[1], records[i]) end
      put(hdel, "t:" .. ids[i])
    end) end
  end
  if #fields > 0 then
    local till = call("ZMSCORE", ends, unpack(fields))
    for i = 1, #fields do
      checked = checked + 1
      if not till[i] then found("unswept", fields[i], function() call("ZADD", ends, text(now + 86400000), fields[i]) end) end
    end
  end
  return page[1]
end
local function check_line()
  local page = call("ZSCAN", line, from, "COUNT", 200)
  local ids, fields, waiting, small, rests, keys = {}, {}, {}, {}, {}, {}
  for i = 1, #page[2], 2 do
    local member = page[2][i]
    if sub(member, 1, 2) == "s:" then put(ids, sub(member, 3)) put(fields, member)
    elseif sub(member, 1, 2) == "r:" then put(rests, member) put(keys, match(member, "|(.*)$") .. ",0")
    elseif sub(member, 1, 2) == "k:" or sub(member, 1, 2) == "n:" then put(waiting, member) put(small, "t:" .. match(member, "^[^|]*|%d+|(.*)$")) end
  end
  local names = #waiting > 0 and call("HGET", meta, "names") or ""
  if #waiting > 0 then
    local states = call("HMGET", state, unpack(small))
    for i = 1, #waiting do
      checked = checked + 1
      local v = states[i] and split(states[i])
      local name = match(waiting[i], "^n:([^|]*)")
      if not v or not find(v[6] or "", name and "n" or "l", 1, true) then found("ghost", sub(small[i], 3), function() call("ZREM", line, waiting[i]) end)
      elseif name and not find(names, "|" .. name .. "|", 1, true) and not find(names, "|+" .. name .. "|", 1, true) then
        found("marker", "n:" .. name, function()
          names = (names == "" and "|" or names) .. "+" .. name .. "|"
          call("ZADD", ready, "-inf", "!paused.names")
          call("HSET", meta, "names", names)
        end)
      end
    end
  end
  gather(keys)
  for i = 1, #rests do
    checked = checked + 1
    local at, key = match(rests[i], "^r:(%d+)|(.*)$")
    if lanes[key][9] ~= tonumber(at) then found("ghost", rests[i], function() call("ZREM", line, rests[i]) end) end
  end
  if #ids == 0 then return page[1] end
  local records, hashes = read(ids), call("HMGET", meta, unpack(fields))
  for i = 1, #ids do
    checked = checked + 1
    if (hashes[i] or "") == "" or not records[i] or not match(records[i], "^L|%d") then
      found("ghost", fields[i], function()
        call("HDEL", meta, fields[i])
        call("ZREM", line, fields[i])
      end)
    end
  end
  return page[1]
end
local function check_markers()
  local leased = call("ZCOUNT", lease, "-inf", "(+inf") > 0
  local marked = call("ZSCORE", due, "!lease")
  checked = checked + 2
  if leased and not marked then found("marker", "!lease", mark_leases) end
  local halted = call("ZSCORE", ready, "!paused.names") and true or false
  checked = checked + 1
  if halted ~= ((call("HGET", meta, "names") or "") ~= "") then
    found("marker", "!paused.names", function()
      if halted then call("ZREM", ready, "!paused.names") else call("ZADD", ready, "-inf", "!paused.names") end
    end)
  end
  local waits = call("ZCOUNT", ends, "-inf", "(+inf") > 0
  local rests = call("ZRANGE", line, "[r:", "(r;", "BYLEX", "LIMIT", 0, 1)[1]
  local looks = call("ZSCORE", due, "!lanes")
  if rests and not (looks and looks + 1e13 <= tonumber(match(rests, "%d+"))) then found("marker", "!lanes", mark_lanes) end
  if waits and not call("ZSCORE", due, "!sweep") then found("marker", "!sweep", function() call("ZADD", due, text(now - 5e13), "!sweep") end) end
  if call("HGET", meta, "canary") then
    for _, key in ipairs({ ready, due, lease, ends, dead, line }) do
      checked = checked + 1
      if not call("ZSCORE", key, "!canary") then found("marker", "!canary " .. key, plant) end
    end
    for _, key in pairs(bodies) do
      checked = checked + 1
      if call("HEXISTS", key, "!canary") == 0 then found("marker", "!canary " .. key, plant) end
    end
  end
  return "0"
end`;

/**
 * One page of one part of the books, held against the others; every invariant of the layout is checked somewhere here, and each finding knows its repair.
 * Reply: `#done|commands|cursor|checked`, then kind and entry of each problem.
 */
export const INSPECT: Script = /* @__PURE__ */ script({
  name: "inspect",
  keys: ["ready", "due", "lease", "state", "ends", "dead", "line", "meta"],
  args: { part: "string", from: "string", repair: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    `local zready, zdue, zends, hset, hdel, problems, checked = {}, {}, {}, {}, {}, {}, 0`,
    HEADER,
    LINE,
    LANES,
    PARKED,
    STAND,
    GROUPS,
    MISSED,
    MARK_LEASES,
    MARK_LANES,
    PLANT,
    `
local function found(kind, id, mend)
  put(problems, "#" .. kind, "=" .. id)
  if repair == 1 then mend() end
end`,
    RECORDS,
    INDEXES,
    MEMORIES,
    `
local keys = { ready = ready, due = due, lease = lease, dead = dead }
local next_page
if part == "markers" then next_page = check_markers()
elseif part == "ends" then next_page = check_ends()
elseif part == "line" then next_page = check_line()
elseif part == "state" then next_page = check_state()
elseif keys[part] then next_page = check_index(keys[part])
else next_page = check_records(tonumber(part)) end
advance()
flush("ZADD", ends, zends)
count_missed({})
flush("HSET", state, hset)
store(woken)
flush("HDEL", state, hdel)
flush("ZADD", due, zdue)
flush("ZADD", ready, zready)
flush("ZREM", line, xline)
return { "#done|" .. commands .. "|" .. next_page .. "|" .. checked, unpack(problems) }`,
  ],
});
