import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, CLOCK } from "./base.ts";

/** How many tasks are where, markers left out. Reply: `#done|commands|now|ready|scheduled|leased|dead|paused|oldest order`, then the keys that are gone although they were planted. */
export const STATS: Script = /* @__PURE__ */ script({
  name: "stats",
  keys: ["ready", "due", "lease", "state", "ends", "dead", "line", "meta"],
  args: {},
  lua: [
    BASE,
    CLOCK,
    `
local function count(key, from) return call("ZCOUNT", key, from, "(+inf") end
local first = call("ZRANGE", ready, 0, 1, "WITHSCORES")
local paused = first[1] == "!paused"
local oldest = first[paused and 3 or 1]
local order = oldest and sub(oldest, 1, 1) ~= "!" and tonumber(first[paused and 4 or 2]) or ""
local gone = {}
local known = call("HGET", meta, "canary")
if known and call("EXISTS", unpack(KEYS)) < #KEYS then
  for i = 1, #KEYS do if call("EXISTS", KEYS[i]) == 0 then put(gone, "=" .. KEYS[i]) end end
end
local waiting, scheduled, leased, died = count(ready, "(-inf") + call("ZLEXCOUNT", line, "[k:", "(k;"), count(due, 0), count(lease, "-inf"), count(dead, "-inf")
return { "#done|" .. commands .. "|" .. text(now) .. "|" .. waiting .. "|" .. scheduled .. "|" .. leased .. "|" .. died .. "|" .. (paused and 1 or 0) .. "|" .. (order ~= "" and text(order < 0 and order + 1e16 or order) or ""), unpack(gone) }`,
  ],
});
