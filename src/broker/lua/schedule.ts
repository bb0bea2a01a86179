import { script } from "../script.ts";
import type { Script } from "../script.ts";
import { BASE, BODIES, CLOCK, HEADER, LINE } from "./base.ts";
import { OPERATIONS } from "./operations.ts";
import { MARK_LEASES } from "./commit.ts";

/**
 * What the verbs of schedules share. A schedule is a live record with the flag `s` and the priority 21, which goes before all others.
 * Its hash is `s:` in `meta`, committed with the operation; empty once it was taken out. `s:` in `line` lists it. Suspended, it is due at 10¹⁵ and has the flag `p` in its `t:`.
 * `tidy` takes away what the commit left: a lease without its token, and the place that it no longer has; a repeat does so again.
 */
const SCHEDULED: string = `
local field, listed = "t:" .. id, "s:" .. id
local function small()
  local current = call("HGET", state, field)
  return current and current ~= "!" and split(current)
end
local function tidy()
  local record, v = call("HGET", body(id), id), small()
  if v and v[2] ~= "" then return end
  call("ZREM", lease, id)
  mark_leases()
  call("ZREM", dead, id)
  if call("ZSCORE", ready, id) and call("ZSCORE", due, id) then
    local later = v and find(v[6], "p", 1, true) or header(record or "").due > now
    call("ZREM", later and ready or due, id)
  end
end
local function park(at, suspended)
  if suspended then put(zdue, "1e15", id) else line_up(id, at, 21, us) end
  flush("ZADD", due, zdue)
  flush("ZADD", ready, zready)
end`;

const KEYS = [
  "ready",
  "due",
  "lease",
  "state",
  "ends",
  "dead",
  "line",
  "meta",
] as const;

/** Nothing → due, or another hash → due, its lease void. The record and its places come first, then the fence, then the commit. Reply: `#created|changed|unchanged|commands`. */
export const SCHEDULE: Script = /* @__PURE__ */ script({
  name: "schedule",
  keys: KEYS,
  args: {
    operation: "string",
    id: "string",
    hash: "string",
    name: "string",
    envelope: "string",
    kind: "string",
    ms: "number",
  },
  lua: [
    BASE,
    BODIES,
    OPERATIONS,
    `
local before, stored = answered(operation), call("HGET", meta, "s:" .. id) or ""
if not before and stored == hash and sub(call("HGET", body(id), id) or "", 1, 2) == "L|" then return "#unchanged|" .. commands end`,
    CLOCK,
    HEADER,
    `local zready, zdue = {}, {}`,
    LINE,
    MARK_LEASES,
    SCHEDULED,
    `
local word = before or stored ~= "" and "changed" or "created"
if not before then
  local at = kind == "at" and ms or now + ms
  local v = small()
  local suspended = v and find(v[6] or "", "p", 1, true)
  call("ZREM", ends, id)
  call("HSET", body(id), id, "L|" .. text(us) .. "|" .. text(at) .. "|21|" .. name .. "||s\\n" .. envelope)
  call("ZADD", line, 0, listed)
  park(at, suspended)
  if suspended then call("HSET", state, field, join({ "0", "", place(at * 1000, 21), "", "", "p" }))
  else call("HDEL", state, field) end
  remember(now, operation, word, listed, hash)
end
if not before or stored == hash then tidy() end
return "#" .. word .. "|" .. commands`,
  ],
});

/** due, ready, leased → nothing. The commit comes first: a repeat removes what is left, unless the schedule is there again. Reply: `#removed|missing|commands`. */
export const UNSCHEDULE: Script = /* @__PURE__ */ script({
  name: "unschedule",
  keys: KEYS,
  args: { operation: "string", id: "string" },
  lua: [
    BASE,
    BODIES,
    CLOCK,
    HEADER,
    OPERATIONS,
    MARK_LEASES,
    `
local before, stored = answered(operation), call("HGET", meta, "s:" .. id) or ""
local word = before or stored ~= "" and "removed" or "missing"
if not before then remember(now, operation, word, "s:" .. id, "") end
local record = call("HGET", body(id), id)
local h = record and header(record)
if not before and stored ~= "" or stored == "" and (not h or h.tag == "L" and find(h.flags, "s", 1, true)) then
  call("HDEL", state, "t:" .. id)
  for _, key in ipairs({ ready, due, lease, dead, ends }) do call("ZREM", key, id) end
  mark_leases()
  call("HDEL", body(id), id)
  call("ZREM", line, "s:" .. id)
  call("HDEL", meta, "s:" .. id)
end
return "#" .. word .. "|" .. commands`,
  ],
});

/** due, ready ⇄ suspended; a leased one goes there when it is settled. Reply: `#done|missing|commands`. */
export const SUSPEND: Script = /* @__PURE__ */ script({
  name: "suspend",
  keys: KEYS,
  args: { operation: "string", id: "string", suspended: "number" },
  lua: [
    BASE,
    BODIES,
    CLOCK,
    HEADER,
    `local zready, zdue = {}, {}`,
    LINE,
    OPERATIONS,
    MARK_LEASES,
    SCHEDULED,
    `
local before, record = answered(operation), call("HGET", body(id), id)
local word = before or sub(record or "", 1, 2) == "L|" and find(header(record).flags, "s", 1, true) and "done" or "missing"
if not before then
  if word == "done" then
    local at, v = header(record).due, small() or { "0", "" }
    v[3] = place(at * 1000, 21)
    v[6] = string.gsub(v[6] or "", "p", "") .. (suspended == 1 and "p" or "")
    call("HSET", state, field, join(v))
    if v[2] == "" then park(at, suspended == 1) end
  end
  remember(now, operation, word)
end
if word == "done" then tidy() end
return "#" .. word .. "|" .. commands`,
  ],
});

/** A page of the schedules, by id. Reply: `#done|commands`, then id, `#`p or nothing`|`state, `=`hash, `=`record. */
export const SCHEDULES: Script = /* @__PURE__ */ script({
  name: "schedules",
  keys: ["due", "state", "line", "meta"],
  args: { after: "string", limit: "number" },
  lua: [
    BASE,
    BODIES,
    `
local found = call("ZRANGE", line, after == "" and "[s:" or "(s:" .. after, "(s;", "BYLEX", "LIMIT", 0, limit)
if #found == 0 then return { "#done|" .. commands } end
local ids, fields, out = {}, {}, {}
for i = 1, #found do
  ids[i] = sub(found[i], 3)
  fields[i] = "t:" .. ids[i]
end
local records, states = read(ids), call("HMGET", state, unpack(fields))
local hashes, scores = call("HMGET", meta, unpack(found)), call("ZMSCORE", due, unpack(ids))
for i = 1, #ids do
  local v = states[i] and split(states[i]) or {}
  local stands = (v[2] or "") ~= "" and "leased" or scores[i] and "scheduled" or "ready"
  put(out, ids[i], "#" .. (find(v[6] or "", "p", 1, true) and "p" or "") .. "|" .. stands, "=" .. (hashes[i] or ""), "=" .. (records[i] or ""))
end
return { "#done|" .. commands, unpack(out) }`,
  ],
});
