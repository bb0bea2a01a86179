import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, LINE } from "./base.ts";
import { OPERATIONS } from "./operations.ts";
import { LANES } from "./lane.ts";

/** Where a parked task stands, and whether it is one. */
export const PARKED: string = `
local function parked_spot(v, id, name) return "n:" .. name .. "|" .. sortable(v[3]) .. "|" .. id end
local function is_parked(v) return v and find(v[6] or "", "n", 1, true) end`;

/**
 * Pauses by task name. `names` in `meta` is `|name|+name|`, the second one being let go; `!paused.names` is in `ready`, first but for `!paused`, exactly while it is not empty.
 * What a claim finds of a paused name moves to `line`, once, as `n:name|order|id`: the flag `n` in its `t:` says so, written by the commit behind it. It is in no lane meanwhile.
 * Needs `hset`, `zready`, `zends`, `line`, `meta` and the lanes.
 */
export const UNPARK: string = `${PARKED}
local function unpark(name, many)
  local found = call("ZRANGE", line, "[n:" .. name .. "|", "(n:" .. name .. "}", "BYLEX", "LIMIT", 0, many)
  if #found == 0 then return 0 end
  local ids, fields, shared = {}, {}, {}
  for i = 1, #found do
    ids[i] = match(found[i], "^[^|]*|%d+|(.*)$")
    fields[i] = "t:" .. ids[i]
  end
  local states = call("HMGET", state, unpack(fields))
  for i = 1, #found do
    states[i] = states[i] and split(states[i])
    if is_parked(states[i]) then put(shared, states[i][4] or "") end
  end
  gather(shared)
  zready = {}
  for i = 1, #found do
    local v = states[i]
    if is_parked(v) then
      v[6] = string.gsub(v[6], "n", "")
      if (v[4] or "") ~= "" then enter(ids[i], v)
      else
        put(zready, v[3], ids[i])
        set(fields[i], join(v))
      end
    end
    put(xline, found[i])
  end
  flush("ZADD", ready, zready)
  zready = {}
  return #found
end
local function without(names, entry)
  local from, to = find(names, "|" .. entry .. "|", 1, true)
  if not from then return names end
  local rest = sub(names, 1, from) .. sub(names, to + 1)
  return rest == "|" and "" or rest
end
`;

/**
 * The claim's part of it. `halt` reads the names and lets go some of what may go; `park` moves a task there that it should not claim, `park_lane` those that would come after it from its lane.
 * Needs `xready`, `risen`, HEADER and UNPARK.
 */
export const PARK: string = `
local xready, halt, park, stow = {}
do
${UNPARK}
local parking = {}
function halt()
  local names = call("HGET", meta, "names") or ""
  local left = names
  for entry in string.gmatch(names, "%+([^|]*)") do
    if unpark(entry, 250) == 0 then left = without(left, "+" .. entry) else risen = true end
  end
  if left ~= names then call("HSET", meta, "names", left) end
  if left == "" then put(xready, "!paused.names") end
  return left
end
function park(names, id, v, record, order)
  if record and sub(record, 1, 2) == "W|" then record = rouse(id, record, us) end
  local h = record and match(record, "^L|%d") and header(record)
  if not h or find(h.flags, "s", 1, true) or not find(names, "|" .. h.name .. "|", 1, true) then return false end
  if (v[2] or "") ~= "" or find(v[6] or "", "[xn]") then return false end
  if (v[4] or "") ~= "" then
    gather({ v[4] })
    leave(id, v)
  end
  if (v[3] or "") == "" then v[3] = text(tonumber(order)) end
  v[1], v[4], v[6] = v[1] or "0", v[4] or h.lane, (v[6] or "") .. "n"
  put(parking, 0, parked_spot(v, id, h.name))
  set("t:" .. id, join(v))
  put(xready, id)
  return true
end
local function park_lane(names, key)
  local found = call("ZRANGE", line, "[k:" .. key .. "|", "(k:" .. key .. "}", "BYLEX", "LIMIT", 0, 250)
  if #found == 0 then return end
  local ids, fields = {}, {}
  for i = 1, #found do
    ids[i] = match(found[i], "^[^|]*|%d+|(.*)$")
    fields[i] = "t:" .. ids[i]
  end
  local records, states = read(ids), call("HMGET", state, unpack(fields))
  for i = 1, #ids do
    local current = changed[fields[i]] or states[i]
    local v = current and split(current) or {}
    if find(v[6] or "", "l", 1, true) then park(names, ids[i], v, records[i], v[3]) end
  end
end
function stow(names)
  if #parking == 0 then return end
  local keys = {}
  for i = 1, #touched do keys[i] = touched[i] end
  for i = 1, #keys do park_lane(names, keys[i]) end
  flush("ZADD", line, parking)
end
end`;

/** How many parked tasks one request lets go. */
const CHUNK = 500;

/**
 * Pauses a task name, or lets it go: what was parked goes back to its places, a chunk a request; claims go on with it should nobody ask again.
 * A late copy finds its operation known, and only moves what is to be moved anyway. Reply: `#done|commands|0 or 1 more`.
 */
export const PAUSE_NAME: Script = /* @__PURE__ */ script({
  name: "pause_name",
  keys: ["ready", "due", "lease", "state", "ends", "line", "meta"],
  args: { operation: "string", task_name: "string", paused: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    `local zready, zdue, zends, hset = {}, {}, {}, {}`,
    LINE,
    LANES,
    OPERATIONS,
    UNPARK,
    `
local names = call("HGET", meta, "names") or ""
if not answered(operation) then
  local before = names
  names = without(without(names, task_name), "+" .. task_name)
  if paused == 1 then
    call("ZADD", ready, "-inf", "!paused.names")
    names = (names == "" and "|" or names) .. task_name .. "|"
  elseif names ~= before then names = (names == "" and "|" or names) .. "+" .. task_name .. "|" end
  remember(now, operation, "done", "names", names)
end
local more = 0
if paused == 0 and find(names, "|+" .. task_name .. "|", 1, true) then
  more = unpark(task_name, ${CHUNK}) == ${CHUNK} and 1 or 0
  advance()
  flush("ZADD", ends, zends)
  flush("ZADD", ready, zready)
  flush("HSET", state, hset)
  flush("ZREM", line, xline)
  if more == 0 then
    names = without(names, "+" .. task_name)
    call("HSET", meta, "names", names)
  end
end
if names == "" and paused == 0 then call("ZREM", ready, "!paused.names") end
return "#done|" .. commands .. "|" .. more`,
  ],
});
