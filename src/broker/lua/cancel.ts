import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE, HEADER, LINE } from "./base.ts";
import { OPERATIONS } from "./operations.ts";
import { LANES } from "./lane.ts";
import { PARKED } from "./park.ts";

/**
 * What ends a waiting task outside a settlement: its record, which no claim passes, then its places. Its dedupe key goes before, or a request that failed half-way would keep others waiting for nobody.
 * The record names the dedupe key, the operation and the task's name, so that a repeat can finish. Shared by \`cancel\` and \`purge\`.
 */
export const BURY: string = `
local function clear(id, till)
  call("ZADD", ends, "NX", till, id)
  call("ZADD", due, "NX", text(now + 60000 - 5e13), "!sweep")
  call("ZREM", ready, id)
  call("ZREM", due, id)
  call("ZREM", dead, id)
  call("HDEL", state, "t:" .. id)
end
local function vacate(id, v, name)
  if is_parked(v) and name then call("ZREM", line, parked_spot(v, id, name)) end
  if not v or (v[4] or "") == "" then return end
  hset, zready, xline = {}, {}, {}
  gather({ v[4] })
  leave(id, v)
  set("t:" .. id, "!")
  advance()
  flush("ZADD", ends, zends)
  flush("ZADD", ready, zready)
  flush("HSET", state, hset)
  flush("ZREM", line, xline)
end
local function bury(id, record, attempt, v)
  local h = split(match(record, "^[^\\n]*"))
  local key, name = h[6] or "", h[5] or ""
  local till = text(now + keep)
  if key ~= "" and match(call("HGET", state, "d:" .. key) or "", "^(.*)|%d+$") == id then call("HDEL", state, "d:" .. key) end
  call("HSET", body(id), id, "X|" .. text(now) .. "|" .. till .. "|" .. attempt .. "|" .. till .. "|" .. key .. "|" .. operation .. "|" .. name .. "\\n" .. reason)
  vacate(id, v, name)
  clear(id, till)
  return name
end
local function buried(record)
  local h = split(match(record, "^[^\\n]*"))
  if h[1] == "X" and h[7] == operation then return h end
end
local function is(h, flag) return find(h.flags, flag, 1, true) end`;

/**
 * What asks a task to stop that a settlement has to end, leased or related: the flag \`x\` in its \`t:\`, the commit; then one that waits goes to the front of the line, to be delivered as cancelled.
 * \`ask\` notes it of each task, \`stop\` writes it of all. Shared by \`cancel\` and \`purge\`.
 */
export const STOP: string = `
local fronts, undue = {}, {}
local function ask(id, h, v, order)
  local waits = h.tag == "L" and (not v or v[2] == "")
  v = v or { "0" }
  if not find(v[6] or "", "x", 1, true) then v[6] = (v[6] or "") .. "x" end
  if waits and find(v[6], "l", 1, true) then
    gather({ v[4] })
    leave(id, v)
    put(zready, place(order, 21), id)
  end
  if waits and is_parked(v) then
    put(xline, parked_spot(v, id, h.name))
    put(zready, place(order, 21), id)
    v[6] = string.gsub(v[6], "n", "")
  end
  if waits then
    v[3] = place(order, 21)
    put(fronts, v[3], id)
    put(undue, id)
  end
  set("t:" .. id, join(v))
end
local function stop()
  advance()
  flush("ZADD", ready, zready)
  flush("HSET", state, hset)
  flush("ZREM", line, xline)
  flush("ZADD", ready, fronts)
  flush("ZREM", due, undue)
end`;

/** ready, due → cancelled; leased or related → flagged, for its consumer to see at the next extension, or when it is delivered, and to bury. Reply: `#cancelled|cancelling|ended|missing|commands[|name of what this very operation ended]`. */
export const CANCEL: Script = /* @__PURE__ */ script({
  name: "cancel",
  keys: ["ready", "due", "state", "ends", "dead", "line", "meta"],
  args: { operation: "string", id: "string", reason: "string", keep: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    FORGETTABLE,
    HEADER,
    `local zready, zdue, zends, hset = {}, {}, {}, {}`,
    LINE,
    LANES,
    PARKED,
    OPERATIONS,
    BURY,
    STOP,
    `
local function reply(answer)
  local word, name = match(answer, "^(%a+),?(.*)$")
  return "#" .. word .. "|" .. commands .. (name ~= "" and "|" .. name or "")
end
local function decide()
  local record = call("HGET", body(id), id)
  if not record or forgettable(record) then return "missing" end
  local tag = match(record, "^([CXED])|%d")
  if tag == "X" then
    local h = buried(record)
    if h then
      local current = call("HGET", state, "t:" .. id)
      vacate(id, current and split(current), h[8])
      clear(id, h[3])
    end
    return h and "cancelled," .. (h[8] or "") or "cancelled"
  end
  if tag then return "ended" end
  local current = call("HGET", state, "t:" .. id)
  local v = current and split(current)
  if v and v[1] == "!" then v = nil end
  local h = header(record)
  if is(h, "s") then return "missing" end
  if v and v[2] ~= "" or is(h, "r") then
    ask(id, h, v, us)
    stop()
    return "cancelling"
  end
  return "cancelled," .. bury(id, record, v and v[1] or "0", v)
end
local before = answered(operation)
if before then return reply(before) end
local word = decide()
remember(now, operation, word)
return reply(word)`,
  ],
});
