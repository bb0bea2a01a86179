import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { ADMIT } from "./admit.ts";
import { BASE, BODIES, CLOCK, FORGETTABLE, HEADER, LINE } from "./base.ts";
import { CLAIM, RECALL } from "./claim.ts";
import { ARM, COMMIT, MARK_LEASES, PLANT, REMOVE, SWEEP } from "./commit.ts";
import { GROUPS, MISSED } from "./group.ts";
import { LANES, MARK_LANES, STAND } from "./lane.ts";
import { PARK } from "./park.ts";
import { PROMOTE, WRITE } from "./promote.ts";
import { EXTEND, REAP, SETTLE } from "./settle.ts";
import { ATTEND } from "./attend.ts";

/**
 * What the request is about, read at once: the markers and due tasks at the head of `due`, then the small records of the consumer, of what it settles and of what it extends.
 * The records are not read when nothing is settled, extended or leased: that is an idle queue's fourth command.
 * A lean step deletes before it writes, be it a field that nobody has: Redis then lets it write in a full database.
 */
const READ = `
local settles, extends, births = {}, {}, {}
for i = 1, num() do settles[i] = { id = arg(), token = arg(), kind = arg(), delay = num(), keep = num(), shown = num(), payload = arg(), span = arg(), dedupe = arg(), group = arg(), stops = num() } end
for i = 1, num() do extends[i] = { id = arg(), token = arg(), ms = num(), progress = arg() } end
for i = 1, num() do
  local parent = num()
  births[i] = new_task()
  births[i].parent = parent
end
local me = consumer .. ":" .. text(seq)
if lean == 1 then call("HDEL", state, "!lean") end
local peek = call("ZRANGE", due, 0, 201, "WITHSCORES")
local first_lease, sweep_at, wake_at, first_task = false, false, false, 1
while peek[first_task] == "!lease" or peek[first_task] == "!sweep" or peek[first_task] == "!wake" or peek[first_task] == "!lanes" do
  local at = tonumber(peek[first_task + 1])
  if peek[first_task] == "!lease" then first_lease = at + 1e14
  elseif peek[first_task] == "!sweep" then sweep_at = at + 5e13
  elseif peek[first_task] == "!lanes" then lanes_at = at + 1e13
  else wake_at = at + 2e13 end
  first_task = first_task + 2
end
local old, mine, accepted, extended = {}, {}, {}, {}
local stale, lost, cancelled, ended = {}, {}, {}, {}
local zlease, zdead, xlease, hdel, told = {}, {}, {}, {}, false
local function state_of(field) return old[field] and split(old[field]) end`;

const BEGIN = `
if first_lease or #settles > 0 or #extends > 0 then
  local fields = { "c:" .. consumer }
  for i = 1, #settles do
    put(fields, "t:" .. settles[i].id)
    if settles[i].dedupe ~= "" then put(fields, "d:" .. settles[i].dedupe) end
    local group = settles[i].group
    if group ~= "" and not old["g:" .. group] then
      old["g:" .. group] = ""
      put(fields, "g:" .. group)
    end
  end
  for i = 1, #extends do put(fields, "t:" .. extends[i].id) end
  for i = 1, #births do if births[i].dedupe ~= "" then put(fields, "d:" .. births[i].dedupe) end end
  local found = call("HMGET", state, unpack(fields))
  for i = 1, #fields do old[fields[i]] = found[i] end
  memory = found[1]
  local answer = recall()
  if answer then return answer end
end
if mark > 0 and not is_outstanding() then
  if not asked then
    memory = call("HGET", state, "c:" .. consumer)
    local answer = recall()
    if answer then return answer end
  end
  return { "#answered|" .. text(now) .. "||0|0|0|0|" .. commands .. "|0|", {}, {}, {}, {}, {} }
end`;

const ANSWER = `
if newcomer and lean == 0 and not call("HGET", meta, "canary") then plant() end
if sweep_at and sweep_at <= now or lean == 1 then sweep()
elseif #settles > 0 or #claimed > 0 then arm() end
local next_at = next_due or ""
if first_lease and first_lease > now and (next_at == "" or first_lease < next_at) then next_at = first_lease end
if lanes_at and (next_at == "" or lanes_at < next_at) then next_at = math.max(lanes_at, now) end
for i = 1, #zdue, 2 do
  local at = floor(tonumber(zdue[i]))
  if at > now and at < 1e15 and (next_at == "" or at < next_at) then next_at = at end
end
if #xready > #claimed or risen then next_at = now end
return { "#done|" .. text(now) .. "|" .. (next_at == "" and "" or text(next_at)) .. "|" .. paused .. "|" .. sweeping .. "|" .. ghosts .. "|" .. suspects .. "|" .. commands .. "|" .. presence, stale, lost, cancelled, reaped, deliveries }`;

/**
 * One request that settles what finished, extends what runs, returns expired leases, promotes what is due and claims the next tasks.
 *
 * The order of the fragments is a contract: settle → extend → reap → promote → write → claim → commit → remove.
 * The commit is one HSET of `state` with every fence, attempt and the answer to a repeat. A step that only looks costs 4 commands, 5 while leases live.
 *
 * List: settlements, extensions, deferred tasks, each with its count before it.
 * Reply: `#done|replay|old|answered|now|next|paused|sweeping|ghosts|suspects|commands|present|mark of the ring to make`, stale, lost, cancelled, reaped, deliveries × (id, `#attempt|span|flags|suspect|error[|released by]`, `=`record).
 */
export const STEP: Script = /* @__PURE__ */ script({
  name: "step",
  keys: ["ready", "due", "lease", "state", "ends", "dead", "line", "meta"],
  args: {
    consumer: "string",
    seq: "number",
    lease_ms: "number",
    limit: "number",
    max_bytes: "number",
    alone: "number",
    rate_limit: "number",
    rate_ms: "number",
    keep_results: "number",
    lean: "number",
    mark: "number",
    leaving: "number",
  },
  lua: [
    BASE,
    CLOCK,
    BODIES,
    FORGETTABLE,
    `local zready, zdue, zends, hset = {}, {}, {}, {}`,
    HEADER,
    LINE,
    LANES,
    STAND,
    ADMIT,
    MARK_LEASES,
    MARK_LANES,
    READ,
    GROUPS,
    MISSED,
    PLANT,
    ARM,
    ATTEND,
    RECALL,
    SWEEP,
    PARK,
    BEGIN,
    SETTLE,
    EXTEND,
    REAP,
    PROMOTE,
    WRITE,
    CLAIM,
    COMMIT,
    REMOVE,
    ANSWER,
  ],
});
