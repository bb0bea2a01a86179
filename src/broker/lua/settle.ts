/**
 * leased → completed, dead, cancelled, expired, or back to the line; only under the token of that very claim.
 * A settlement that is not to be taken of a task that was asked to stop gives it back, and is told as stale.
 * Deferred tasks are admitted with the settlement they came with, gated by their records like any enqueue. One that shares its parent's hash is written in the same command as the parent's end, so that neither is there without the other.
 *
 * Ended record: `C|X|E` `|ended ms|forget ms|attempt|readable until ms[|group]\n result or error`.
 * Dead record: the live header with `|died ms|attempt|error bytes[|flags[|key,limit[|group]]]\n error envelope`, so that a redrive finds everything; flag `c` says that the death was counted in the group.
 */
export const SETTLE: string = `
local groups, apart = {}, fresh
do
local ENDED = { complete = "C", dead = "D", cancel = "X", expire = "E" }
local dying, snoozing, freed, tallied, kept = {}, {}, {}, {}, {}
local shared = {}
for i = 1, #settles do
  local v = state_of("t:" .. settles[i].id)
  if v and (v[4] or "") ~= "" then put(shared, v[4]) end
end
for i = 1, #births do put(shared, births[i].lane) end
gather(shared)
for i = 1, #settles do
  local s, v = settles[i], state_of("t:" .. settles[i].id)
  if not v or v[2] ~= s.token then put(stale, s.id)
  else
    accepted[i] = not (s.stops == 1 and find(v[6] or "", "x", 1, true))
    if not accepted[i] then
      put(stale, s.id)
      s.kind, s.delay = "release", 0
    end
    mine[s.id] = true
    put(xlease, s.id)
    if s.kind == "retry" or s.kind == "release" or s.kind == "snooze" then
      local at = s.delay > 0 and now + s.delay or 0
      v[2], v[10] = "", ""
      if s.kind == "retry" then v[5], v[7], v[8] = s.span, "", s.payload
      elseif s.kind == "release" then v[1] = text(tonumber(v[1]) - 1)
      else
        at = s.delay
        v[1], v[5], v[7], v[8], v[9] = "0", s.span, "", "", ""
        put(snoozing, s.id)
        snoozing[s.id] = s
      end
      if s.stops < 2 and find(v[6], "x", 1, true) then at = 0 elseif find(v[6], "p", 1, true) then at = 1e15 end
      if at > now then leave(s.id, v) end
      set("t:" .. s.id, join(v))
      if at > now then put(zdue, due_score(at, 0), s.id) else put(zready, v[3], s.id) end
    else
      leave(s.id, v)
      set("t:" .. s.id, "!")
      put(hdel, "t:" .. s.id)
      if s.dedupe ~= "" and match(old["d:" .. s.dedupe] or "", "^(.*)|%d+$") == s.id then freed["d:" .. s.dedupe] = true end
      local g = groups[s.group] or group_of(old["g:" .. s.group])
      if g then
        if not groups[s.group] then put(tallied, s.group) end
        groups[s.group] = g
        count_in(g, ENDED[s.kind])
        g.span = s.span
      end
      if s.kind == "dead" then
        put(zdead, text(now), s.id)
        put(dying, s.id)
        dying[s.id] = { "|" .. text(now) .. "|" .. v[1] .. "|" .. #s.payload, s }
      else
        local shown = (s.kind == "complete" and (s.shown == 0 or lean == 1)) and 0 or now + s.shown
        if keep_results > 0 and s.kind == "complete" and shown > 0 and s.group == "" then put(kept, 0, "f:" .. fmt("%016.0f", now) .. "|" .. s.id) end
        put(zends, text(now + s.keep), s.id)
        put(ended, s.id, ENDED[s.kind] .. "|" .. text(now) .. "|" .. text(now + s.keep) .. "|" .. v[1] .. "|" .. text(shown) .. (s.group ~= "" and "|" .. s.group or "") .. "\\n" .. (shown > 0 and s.payload or ""))
      end
    end
  end
end
if #dying > 0 then
  local records = read(dying)
  for i = 1, #dying do
    local id, record = dying[i], records[i] or ""
    local live, envelope = match(record, "^L|([^\\n]*)\\n(.*)$")
    local h = split(live or "")
    local head = "|" .. (tonumber(h[1]) and h[1] or text(us))
    for field = 2, 5 do head = head .. "|" .. (h[field] or "") end
    local tail, s = unpack(dying[id])
    local flags = (h[6] or "") .. (s.group ~= "" and "c" or "")
    if flags ~= "" or h[7] then tail = tail .. "|" .. flags .. (h[7] and "|" .. h[7] or "") end
    if s.group ~= "" then tail = tail .. (h[7] and "|" or "||") .. s.group end
    if not match(record, "^D|%d") then put(ended, id, "D" .. head .. tail .. "\\n" .. s.payload .. (envelope or record)) end
  end
end
if #snoozing > 0 then
  local records = read(snoozing)
  for i = 1, #snoozing do
    local s = snoozing[snoozing[i]]
    local accepted, rest, envelope = match(records[i] or "", "^L|(%d+|)%d*(|[^\\n]*\\n)(.*)$")
    if accepted then put(ended, s.id, "L|" .. accepted .. text(s.delay) .. rest .. (s.payload ~= "" and s.payload or envelope)) end
  end
end
local born, ids, twins = {}, {}, {}
for i = 1, #births do
  if births[i].parent == 0 or accepted[births[i].parent] then put(born, births[i]) put(ids, births[i].id) end
end
if #born > 0 then
  local known = read(ids)
  for i = 1, #born do
    local field = "d:" .. born[i].dedupe
    if not freed[field] then holders[born[i].dedupe] = holders[born[i].dedupe] or old[field] end
    fresh = born[i].parent > 0 and shard(born[i].id) == shard(settles[born[i].parent].id) and twins or apart
    admit(born[i], us + #settles + i, known[i])
  end
  for i = 1, #ended do put(twins, ended[i]) end
  ended = twins
end
for i = 1, #tallied do
  local g = groups[tallied[i]]
  follow(tallied[i], g, us + #settles + #born + i, g.span, woken, zready)
end
for field in pairs(freed) do
  if not taken[field] then
    put(hset, field, "")
    put(hdel, field)
  end
end
flush("ZADD", line, kept)
end`;

/** Leases that go on, and which of them are asked to stop or are lost. */
export const EXTEND: string = `
for i = 1, #extends do
  local x = extends[i]
  local v = state_of("t:" .. x.id)
  if v and v[2] == x.token and not mine[x.id] then
    put(zlease, text(now + (x.ms > 0 and x.ms or lease_ms)), x.id)
    extended[x.id] = true
    if find(v[6], "x", 1, true) then put(cancelled, x.id) end
    if x.progress ~= "" then
      v[10] = x.progress
      set("t:" .. x.id, join(v))
      told = true
    end
  else put(lost, x.id) end
end`;

/** expired lease → its old place in line, its attempt spent, marked as suspect. Lua buries nothing: what has no attempts left is delivered once more and settled by its consumer. */
export const REAP: string = `
local reaped = {}
if first_lease and first_lease <= now then
  local found = call("ZRANGE", lease, "-inf", text(now), "BYSCORE", "LIMIT", 0, 200)
  local ids, fields = {}, {}
  for i = 1, #found do
    if not mine[found[i]] and not extended[found[i]] then put(ids, found[i]) put(fields, "t:" .. found[i]) end
  end
  if #ids > 0 then
    local records = call("HMGET", state, unpack(fields))
    for i = 1, #ids do
      local v = records[i] and split(records[i])
      put(xlease, ids[i])
      if v and v[1] == "!" then put(hdel, fields[i])
      elseif v and v[2] ~= "" then
        v[2], v[7], v[10] = "", v[2], ""
        set(fields[i], join(v))
        put(zready, v[3], ids[i])
        put(reaped, ids[i])
      end
    end
  end
end`;
