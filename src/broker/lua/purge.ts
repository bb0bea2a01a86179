import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, HEADER, LINE } from "./base.ts";
import { OPERATIONS } from "./operations.ts";
import { BURY, STOP } from "./cancel.ts";
import { LANES } from "./lane.ts";
import { PARKED } from "./park.ts";

/** ready, due, dead → cancelled, for listed tasks that are still the ones listed; related ones that wait are flagged. With `polite`, leased ones are flagged too, and dead ones left. List: n, then n × (id, accepted ms or −1). Reply: `#done|commands|changed`. */
export const PURGE: Script = /* @__PURE__ */ script({
  name: "purge",
  keys: ["ready", "due", "state", "ends", "dead", "line", "meta"],
  args: {
    operation: "string",
    reason: "string",
    keep: "number",
    polite: "number",
  },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    HEADER,
    `local zready, zdue, zends, hset = {}, {}, {}, {}`,
    LINE,
    LANES,
    PARKED,
    OPERATIONS,
    BURY,
    STOP,
    `
local before = answered(operation)
if before then return "#done|" .. commands .. "|" .. before end
local ids, since, fields, count = {}, {}, {}, 0
for i = 1, num() do
  ids[i] = arg()
  since[i] = num()
  fields[i] = "t:" .. ids[i]
end
local records, states, asked = read(ids), call("HMGET", state, unpack(fields)), {}
local function small(i)
  local current = changed[fields[i]] or states[i]
  local v = current and split(current)
  return v and v[1] ~= "!" and v or nil
end
for i = 1, #ids do
  local record = records[i]
  local accepted = record and match(record, "^[LDW]|(%d+)|")
  local v = small(i)
  local h = accepted and (since[i] < 0 or floor(tonumber(accepted) / 1000) == since[i]) and header(record)
  local leased = v and v[2] ~= ""
  if h then
    if not (is(h, "s") or leased and polite == 0 or h.tag == "D" and (polite == 1 or uncommitted(v))) then
      if leased or is(h, "r") and h.tag ~= "D" then put(asked, i)
      else bury(ids[i], record, h.tag == "D" and h.attempt or v and v[1] or "0", v) end
      count = count + 1
    end
  elseif record and buried(record) then
    local h = buried(record)
    vacate(ids[i], v, h[8])
    clear(ids[i], h[3])
    count = count + 1
  end
end
hset, zready, xline = {}, {}, {}
for j = 1, #asked do
  local i = asked[j]
  ask(ids[i], header(records[i]), small(i), us + i)
end
if #asked > 0 then stop() end
remember(now, operation, count)
return "#done|" .. commands .. "|" .. count`,
  ],
});
