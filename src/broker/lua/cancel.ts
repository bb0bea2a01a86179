import { script } from "../script.ts";
import type { Script } from "../script.ts";
import {
  BASE,
  BODIES,
  CLOCK,
  FORGETTABLE,
  HEADER,
  LINE,
  OPERATIONS,
} from "./base.ts";
import { LANES } from "./lane.ts";

/**
 * What ends a waiting task outside a settlement: its record first, which no claim passes, then its places and its dedupe key.
 * The record names the dedupe key and the operation, so that a repeat can finish. Shared by \`cancel\` and \`purge\`.
 */
export const BURY: string = `
local function clear(id, till, key)
  call("ZADD", ends, "NX", till, id)
  call("ZADD", due, "NX", text(now + 60000 - 5e13), "!sweep")
  call("ZREM", ready, id)
  call("ZREM", due, id)
  call("ZREM", dead, id)
  local fields = { "t:" .. id }
  if key and key ~= "" and match(call("HGET", state, "d:" .. key) or "", "^(.*)|%d+$") == id then put(fields, "d:" .. key) end
  call("HDEL", state, unpack(fields))
end
local function vacate(id, v)
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
  local key = split(match(record, "^[^\\n]*"))[6] or ""
  local till = text(now + keep)
  call("HSET", body(id), id, "X|" .. text(now) .. "|" .. till .. "|" .. attempt .. "|" .. till .. "|" .. key .. "|" .. operation .. "\\n" .. reason)
  vacate(id, v)
  clear(id, till, key)
end
local function buried(record)
  local h = split(match(record, "^[^\\n]*"))
  if h[1] == "X" and h[7] == operation then return h end
end
local function is(h, flag) return find(h.flags, flag, 1, true) end`;

/**
 * What asks a task to stop that a settlement has to end, leased or related: the flag \`x\` in its \`t:\`, the commit; then one that waits goes to the front of the line, to be delivered as cancelled.
 * Shared by \`cancel\` and \`purge\`.
 */
export const STOP: string = `
local function stop(id, h, v, order)
  local waits = h.tag == "L" and (not v or v[2] == "")
  v = v or { "0" }
  if not find(v[6] or "", "x", 1, true) then v[6] = (v[6] or "") .. "x" end
  hset, zready, xline = {}, {}, {}
  if waits and find(v[6], "l", 1, true) then
    gather({ v[4] })
    leave(id, v)
    put(zready, place(order, 21), id)
  end
  if waits then v[3] = place(order, 21) end
  set("t:" .. id, join(v))
  advance()
  flush("ZADD", ready, zready)
  flush("HSET", state, hset)
  flush("ZREM", line, xline)
  if waits then
    call("ZADD", ready, v[3], id)
    call("ZREM", due, id)
  end
end`;

/** ready, due → cancelled; leased or related → flagged, for its consumer to see at the next extension, or when it is delivered, and to bury. Reply: `#cancelled|cancelling|ended|missing|commands`. */
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
    OPERATIONS,
    BURY,
    STOP,
    `
local function reply(word) return "#" .. word .. "|" .. commands end
local function decide()
  local record = call("HGET", body(id), id)
  if not record or forgettable(record) then return "missing" end
  local tag = match(record, "^([CXED])|%d")
  if tag == "X" then
    local h = buried(record)
    if h then
      local current = call("HGET", state, "t:" .. id)
      vacate(id, current and split(current))
      clear(id, h[3], h[6])
    end
    return "cancelled"
  end
  if tag then return "ended" end
  local current = call("HGET", state, "t:" .. id)
  local v = current and split(current)
  if v and v[1] == "!" then v = nil end
  local h = header(record)
  if is(h, "s") then return "missing" end
  if v and v[2] ~= "" or is(h, "r") then
    stop(id, h, v, us)
    return "cancelling"
  end
  bury(id, record, v and v[1] or "0", v)
  return "cancelled"
end
local before = answered(operation)
if before then return reply(before) end
local word = decide()
remember(operation, word)
return reply(word)`,
  ],
});
