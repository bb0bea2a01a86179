import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE, OPERATIONS } from "./base.ts";

/** What ends a live task outside a settlement: its record first, which no claim passes, then its places and its dedupe key. Shared by `cancel` and `purge`. */
export const BURY: string = `
local function bury(id, record, attempt)
  local h = split(match(record, "^[^\\n]*"))
  call("ZADD", ends, text(now + keep), id)
  call("ZADD", due, "NX", text(now + 60000 - 5e13), "!sweep")
  call("HSET", body(id), id, "X|" .. text(now) .. "|" .. text(now + keep) .. "|" .. attempt .. "|" .. text(now + keep) .. "\\n" .. reason)
  call("ZREM", ready, id)
  call("ZREM", due, id)
  call("ZREM", dead, id)
  local fields = { "t:" .. id }
  local key = h[6] and h[6] ~= "" and "d:" .. h[6]
  if key and match(call("HGET", state, key) or "", "^(.*)|%d+$") == id then put(fields, key) end
  call("HDEL", state, unpack(fields))
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
local before = answered(operation)
if before then return reply(before) end
local record = call("HGET", body(id), id)
if not record or forgettable(record) then return reply("missing") end
local tag = match(record, "^([CXED])|%d")
if tag == "X" then return reply("cancelled") end
if tag then return reply("ended") end
local current = call("HGET", state, "t:" .. id)
local v = current and split(current)
if v and v[1] == "!" then return reply("ended") end
if v and v[2] ~= "" then
  v[6] = "x"
  call("HSET", state, "t:" .. id, table.concat(v, "|"))
  remember(operation, "cancelling")
  return reply("cancelling")
end
bury(id, record, v and v[1] or "0")
remember(operation, "cancelled")
return reply("cancelled")`,
  ],
});
