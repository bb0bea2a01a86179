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
 * `g:` total|completed|dead|cancelled|expired|flags|ttl ms|seal ms|till ms|idle ms\n callback of a group: total −1 while it is open; flags `f` complete or closed, `l` lost; the instant at which it is closed, once `f` forgotten.
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
local function count_in(g, tag)
  local place = ({ C = 2, D = 3, X = 4, E = 5 })[tag]
  g[place] = text(g[place] + 1)
end
local function follow(name, g, at, span, records, places)
  local total, closed = tonumber(g[1]), find(g[6], "f", 1, true)
  if not closed and (find(g[6], "l", 1, true) or total >= 0 and g[2] + g[3] + g[4] + g[5] >= total) then
    closed = true
    g[6] = g[6] .. "f"
    if g.callback ~= "" then wake(g.callback, at, span, records, places) end
  end
  g[9] = text(now + (closed and g[7] or total >= 0 and (g[10] or g[7]) or g[8]))
  put(hset, "g:" .. name, table.concat(g, "|") .. "\\n" .. g.callback)
  put(zends, g[9], "g:" .. name)
end`;

/**
 * An end that its settlement recorded but did not commit, so that it was counted nowhere: whoever takes the task out counts it, in the commit that makes its \`t:\` void.
 * Needs \`set\`; \`count_missed\` writes what goes before that commit.
 *
 * A callback whose group is completed by an end is live only behind the commit of that end, or it might come too soon: its place is written before, its record (\`woken\`) after it. A claim that finds one asleep in its place drops the place, unless the group is closed: then it does what was left undone (\`rouse\`).
 */
export const MISSED: string = `
local missed, woken = {}, {}
local function rouse(id, record, at)
  for i = 1, #woken, 2 do if woken[i] == id then return woken[i + 1] end end
  local g = group_of(call("HGET", state, "g:" .. header(record).group))
  if g and not find(g[6], "f", 1, true) then return nil end
  local head, envelope = match(record, "^W|%d+(|[^\\n]*)|[^|\\n]*(\\n.*)$")
  record = "L|" .. text(at) .. head .. envelope
  call("HSET", body(id), id, record)
  return record
end
local function miss(field, attempt, record)
  if (tonumber(attempt) or 0) == 0 then return end
  set(field, "!")
  local group = group_in(record)
  if group ~= "" then put(missed, { "g:" .. group, sub(record, 1, 1) }) end
end
local function count_missed(known)
  if #missed == 0 then return end
  local fields, places = {}, {}
  for i = 1, #missed do
    local field = missed[i][1]
    if known[sub(field, 3)] == nil then
      known[sub(field, 3)] = false
      put(fields, field)
    end
  end
  local found = #fields > 0 and call("HMGET", state, unpack(fields))
  for i = 1, #fields do known[sub(fields[i], 3)] = group_of(found[i]) or false end
  zends = {}
  for i = 1, #missed do
    local field, tag = unpack(missed[i])
    local g = known[sub(field, 3)]
    if g then
      count_in(g, tag)
      follow(sub(field, 3), g, us + 600 + i, "", woken, places)
    end
  end
  missed = {}
  flush("ZADD", ready, places)
  flush("ZADD", ends, zends)
  zends = {}
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
