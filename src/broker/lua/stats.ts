import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, CLOCK } from "./base.ts";

/** How many tasks are where, markers left out. Reply: `#done|commands|now|ready|scheduled|leased|dead|paused|oldest order`, then `@` the paused names, `=` the keys that are gone although they were planted. */
export const STATS: Script = /* @__PURE__ */ script({
  name: "stats",
  keys: ["ready", "due", "lease", "state", "ends", "dead", "line", "meta"],
  args: {},
  lua: [
    BASE,
    CLOCK,
    `
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
local oldest = first[at]
if oldest and tonumber(first[at + 1]) < -3e15 and tonumber(first[at + 1]) > -5e15 then
  first, at = call("ZRANGE", ready, "(-3e15", "(+inf", "BYSCORE", "LIMIT", 0, 1, "WITHSCORES"), 1
  oldest = first[1]
end
local order = oldest and sub(oldest, 1, 1) ~= "!" and tonumber(first[at + 1]) or ""
local known = call("HGET", meta, "canary")
if known and call("EXISTS", unpack(KEYS)) < #KEYS then
  for i = 1, #KEYS do if call("EXISTS", KEYS[i]) == 0 then put(gone, "=" .. KEYS[i]) end end
end
local waiting, scheduled, leased, died = count(ready, "(-inf") + call("ZLEXCOUNT", line, "[k:", "(n;"), count(due, 0), count(lease, "-inf"), count(dead, "-inf")
return { "#done|" .. commands .. "|" .. text(now) .. "|" .. waiting .. "|" .. scheduled .. "|" .. leased .. "|" .. died .. "|" .. (paused and 1 or 0) .. "|" .. (order ~= "" and text(order < 0 and order + 1e16 or order) or ""), unpack(gone) }`,
  ],
});
