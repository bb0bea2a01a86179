import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, HEADER } from "./base.ts";

/** How many tasks are where, markers left out. A task of a key stands in line by its turn, so that its record says since when it waits; one that waits in its lane is looked at where nothing else is ready. Reply: `#done|commands|now|ready|scheduled|leased|dead|paused|oldest order`, then `@` the paused names, `=` the keys that are gone although they were planted. */
export const STATS: Script = /* @__PURE__ */ script({
  name: "stats",
  keys: ["ready", "due", "lease", "state", "ends", "dead", "line", "meta"],
  args: {},
  lua: [
    BASE,
    CLOCK,
    BODIES,
    HEADER,
    `
local function since(id)
  local record = id and call("HGET", body(id), id)
  local h = record and header(record)
  return h and (h.due > 0 and h.due * 1000 or h.us) - h.priority * 60000000
end
local function count(key, from) return call("ZCOUNT", key, from, "(+inf") end
local first = call("ZRANGE", ready, 0, 2, "WITHSCORES")
local paused, at = first[1] == "!paused", 1
if paused then at = 3 end
local gone = {}
if first[at] == "!paused.names" then
  at = at + 2
  for name in string.gmatch(call("HGET", meta, "names") or "", "[^|]+") do
    if sub(name, 1, 1) ~= "+" then put(gone, "@" .. name) end
  end
end
local function order_of(id, score) return id and sub(id, 1, 1) ~= "!" and tonumber(score) or nil end
local order = order_of(first[at], first[at + 1])
if order and order < -3e15 and order > -5e15 then
  local plain = call("ZRANGE", ready, "(-3e15", "(+inf", "BYSCORE", "LIMIT", 0, 1, "WITHSCORES")
  local other = order_of(plain[1], plain[2])
  order = since(first[at]) or other
  if other and other < order then order = other end
elseif not order then
  local waits = call("ZRANGE", line, "[k:", "(k;", "BYLEX", "LIMIT", 0, 1)
  order = since(waits[1] and match(waits[1], "^[^|]*|%d+|(.*)$"))
end
order = order or ""
local known = call("HGET", meta, "canary")
if known and call("EXISTS", unpack(KEYS)) < #KEYS then
  for i = 1, #KEYS do if call("EXISTS", KEYS[i]) == 0 then put(gone, "=" .. KEYS[i]) end end
end
local waiting, scheduled, leased, died = count(ready, "(-inf") + call("ZLEXCOUNT", line, "[k:", "(n;"), count(due, 0), count(lease, "-inf"), count(dead, "-inf")
return { "#done|" .. commands .. "|" .. text(now) .. "|" .. waiting .. "|" .. scheduled .. "|" .. leased .. "|" .. died .. "|" .. (paused and 1 or 0) .. "|" .. (order ~= "" and text(order < 0 and order + 1e16 or order) or ""), unpack(gone) }`,
  ],
});
