import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, OPERATIONS } from "./base.ts";
import { BURY } from "./cancel.ts";

/** ready, due, dead → cancelled, for listed tasks that are still the ones listed. List: n, then n × (id, accepted ms). Reply: `#done|commands|changed`. */
export const PURGE: Script = /* @__PURE__ */ script({
  name: "purge",
  keys: ["ready", "due", "state", "ends", "dead", "meta"],
  args: { operation: "string", reason: "string", keep: "number" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    OPERATIONS,
    BURY,
    `
local before = answered(operation)
if before then return "#done|" .. commands .. "|" .. before end
local ids, since, fields, changed = {}, {}, {}, 0
for i = 1, num() do
  ids[i] = arg()
  since[i] = num()
  fields[i] = "t:" .. ids[i]
end
local records, states = read(ids), call("HMGET", state, unpack(fields))
for i = 1, #ids do
  local record = records[i]
  local accepted = record and match(record, "^[LD]|(%d+)|")
  local v = states[i] and split(states[i])
  if v and v[1] == "!" then v = nil end
  if accepted and floor(tonumber(accepted) / 1000) == since[i] and not (v and v[2] ~= "") then
    local attempt = sub(record, 1, 1) == "D" and split(match(record, "^[^\\n]*"))[8] or v and v[1] or "0"
    bury(ids[i], record, attempt)
    changed = changed + 1
  elseif record and buried(record) then
    local h = buried(record)
    clear(ids[i], h[3], h[6])
    changed = changed + 1
  end
end
remember(operation, changed)
return "#done|" .. commands .. "|" .. changed`,
  ],
});
