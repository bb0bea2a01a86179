import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, CLOCK } from "./base.ts";

/** What is remembered of a group; nothing once its time is over. */
const GROUP_OF: string = `
local function group_of(value)
  if not value then return nil end
  local head, callback = match(value, "^([^\\n]*)\\n(.*)$")
  local g = split(head)
  g.callback = callback
  return (not find(g[6], "f", 1, true) or tonumber(g[9]) > now) and g
end`;

/**
 * `g:` total|completed|dead|cancelled|expired|flags|ttl ms|seal ms|till ms\n callback of a group: total −1 while it is open; flags `f` complete or closed, `l` lost; the instant at which it is closed, once `f` forgotten.
 * Its callback waits as a record `W`, which is a live one's with the group behind the flags, until `wake` makes it live: before the commit that says so, as a new task.
 */
export const GROUPS: string = `${GROUP_OF}
local function wake(id, at, span, records, places)
  local record = call("HGET", body(id), id)
  local tag, since, head, envelope = match(record or "", "^([LW])|(%d+)(|[^\\n]*)(\\n.*)$")
  if not tag then return end
  if tag == "W" then
    since = text(at)
    put(records, id, "L|" .. since .. match(head, "^(.*)|[^|]*$") .. envelope)
  end
  local spot = place(tonumber(since), header(record).priority)
  if tag == "W" or unindexed(id) then put(places, spot, id) end
  if span ~= "" and not call("HGET", state, "t:" .. id) then set("t:" .. id, "0||" .. spot .. "||||||" .. span) end
end
local function follow(name, g, at, span, records, places)
  local total, closed = tonumber(g[1]), find(g[6], "f", 1, true)
  if not closed and (find(g[6], "l", 1, true) or total >= 0 and g[2] + g[3] + g[4] + g[5] >= total) then
    closed = true
    g[6] = g[6] .. "f"
    if g.callback ~= "" then wake(g.callback, at, span, records, places) end
  end
  g[9] = text(now + ((closed or total >= 0) and g[7] or g[8]))
  put(hset, "g:" .. name, table.concat(g, "|") .. "\\n" .. g.callback)
  put(zends, g[9], "g:" .. name)
end`;

/** How a group stands. Reply: `#missing|commands` or `#found|commands`, then `=` its state. */
export const GROUP: Script = /* @__PURE__ */ script({
  name: "group",
  keys: ["state"],
  args: { id: "string" },
  lua: [
    BASE,
    CLOCK,
    GROUP_OF,
    `
local found = call("HGET", state, "g:" .. id)
if not group_of(found) then return { "#missing|" .. commands } end
return { "#found|" .. commands, "=" .. found }`,
  ],
});
