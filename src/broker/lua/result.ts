import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE } from "./base.ts";

/** Where a task stands. Reply: `#missing|commands`, `#ended|commands` and `=`record, or `#leased|scheduled|ready|commands|due ms` and `=`state. */
export const RESULT: Script = /* @__PURE__ */ script({
  name: "result",
  keys: ["due", "state"],
  args: { id: "string" },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    FORGETTABLE,
    `
local record = call("HGET", body(id), id)
if not record or forgettable(record) then return { "#missing|" .. commands } end
local tag = sub(record, 1, 1)
if match(record, "^[CXED]|%d") then
  local head, payload = match(record, "^([^\\n]*)\\n(.*)$")
  local h = split(head)
  if tag == "D" then payload = sub(payload, 1, tonumber(h[9]))
  elseif tonumber(h[5]) <= now then return { "#ended|" .. commands, "=" .. head } end
  return { "#ended|" .. commands, "=" .. head, "=" .. payload }
end
local current = call("HGET", state, "t:" .. id)
local v = current and split(current)
if v and v[1] == "!" then v = nil end
if v and v[2] ~= "" then return { "#leased|" .. commands .. "|", "=" .. current } end
local at = call("ZSCORE", due, id)
local word = at and "scheduled" or "ready"
return { "#" .. word .. "|" .. commands .. "|" .. (at and text(floor(tonumber(at))) or ""), "=" .. (v and current or "") }`,
  ],
});
