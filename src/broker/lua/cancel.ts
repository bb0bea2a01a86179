import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE, OPERATIONS } from "./base.ts";

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
local function bury(id, record, attempt)
  local key = split(match(record, "^[^\\n]*"))[6] or ""
  local till = text(now + keep)
  call("HSET", body(id), id, "X|" .. text(now) .. "|" .. till .. "|" .. attempt .. "|" .. till .. "|" .. key .. "|" .. operation .. "\\n" .. reason)
  clear(id, till, key)
end
local function buried(record)
  local h = split(match(record, "^[^\\n]*"))
  if h[1] == "X" and h[7] == operation then return h end
end`;

/** ready, due → cancelled; leased → flagged, for its consumer to see at the next extension and to bury. Reply: `#cancelled|cancelling|ended|missing|commands`. */
export const CANCEL: Script = /* @__PURE__ */ script({
  name: "cancel",
  keys: ["ready", "due", "state", "ends", "dead", "meta"],
  args: { operation: "string", id: "string", reason: "string", keep: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    FORGETTABLE,
    OPERATIONS,
    BURY,
    `
local function reply(word) return "#" .. word .. "|" .. commands end
local function decide()
  local record = call("HGET", body(id), id)
  if not record or forgettable(record) then return "missing" end
  local tag = match(record, "^([CXED])|%d")
  if tag == "X" then
    local h = buried(record)
    if h then clear(id, h[3], h[6]) end
    return "cancelled"
  end
  if tag then return "ended" end
  local current = call("HGET", state, "t:" .. id)
  local v = current and split(current)
  if v and v[1] == "!" then v = nil end
  if v and v[2] ~= "" then
    v[6] = "x"
    call("HSET", state, "t:" .. id, table.concat(v, "|"))
    return "cancelling"
  end
  bury(id, record, v and v[1] or "0")
  return "cancelled"
end
local before = answered(operation)
if before then return reply(before) end
local word = decide()
remember(operation, word)
return reply(word)`,
  ],
});
