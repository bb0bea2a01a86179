/**
 * ready → leased, the attempt counted. A task whose last consumer died holding it is claimed alone, by a consumer that holds nothing, so that it takes nobody with it; a busy consumer passes it over, and is told.
 * What is indexed without being claimable is cleared: a record the database lost, a task that ended, is leased already or waits in its lane.
 */
export const CLAIM: string = `
local deliveries, claimed, xready, paused, ghosts, suspects = {}, {}, {}, 0, 0, 0
if limit > 0 then
  local line = call("ZRANGE", ready, 0, limit - 1 + (alone == 1 and 0 or 50), "WITHSCORES")
  if line[1] == "!paused" then
    paused = 1
    line = {}
  end
  local front, fields = {}, {}
  for i = 1, #line, 2 do
    if sub(line[i], 1, 1) ~= "!" then put(front, { id = line[i], order = line[i + 1] }) put(fields, "t:" .. line[i]) end
  end
  if #front > 0 then
    put(fields, "c:" .. consumer)
    local states = call("HMGET", state, unpack(fields))
    if not asked then
      memory = states[#fields]
      local answer = recall()
      if answer then return answer end
    end
    local ids, picked = {}, {}
    for i = 1, #front do
      local task = front[i]
      local current = changed[fields[i]] or states[i]
      task.v = current and split(current) or {}
      task.suspect = (task.v[7] or "") ~= "" and task.v[2] == ""
      if task.suspect and (alone == 0 or #ids > 0) then suspects = 1
      elseif #ids < limit then
        put(ids, task.id)
        put(picked, task)
        if task.suspect then break end
      end
    end
    local records = read(ids)
    local bytes = 0
    for i = 1, #ids do
      local id, record, v, field = ids[i], records[i], picked[i].v, "t:" .. ids[i]
      if (v[4] or "") ~= "" and (not record or match(record, "^[CXED]|%d")) then
        gather({ v[4] })
        leave(id, v)
      end
      if not record then
        ghosts = ghosts + 1
        put(xready, id)
        put(hdel, field)
      elseif v[2] and v[2] ~= "" or find(v[6] or "", "l", 1, true) then put(xready, id)
      elseif match(record, "^[CXED]|%d") then
        put(xready, id)
        put(hdel, field)
        local till = match(record, "^[CXE]|%d+|(%d+)|")
        if till then call("ZADD", ends, "NX", till, id) else call("ZADD", dead, "NX", split(record)[7], id) end
      else
        if bytes > 0 and bytes + #record > max_bytes then break end
        bytes = bytes + #record
        v[1], v[2] = text((tonumber(v[1]) or 0) + 1), me
        if (v[3] or "") == "" then v[3] = text(tonumber(picked[i].order)) end
        set(field, join(v))
        deliver(deliveries, id, v, record)
        put(claimed, id)
        put(xready, id)
        put(zlease, text(now + lease_ms), id)
      end
    end
  end
end`;

/**
 * A consumer's last answer, \`seq\\n stale\\n claimed\\n forget ms\`: the same request is answered the same, an older one not at all.
 * The repeat also finishes what an error after the commit left undone.
 */
export const RECALL: string = `
local memory, asked = false, false
local known_till = 0
local function deliver(list, id, v, record)
  put(list, id, "#" .. v[1] .. "|" .. table.concat(v, "|", 5, #v > 8 and 9 or 8), "=" .. record)
end
local function recall()
  asked = true
  if not memory then return nil end
  local last, stale_then, claimed_then, till = match(memory, "^(%d+)\\n([^\\n]*)\\n([^\\n]*)\\n(%d+)$")
  last = tonumber(last)
  known_till = tonumber(till)
  if last < seq then return nil end
  if last > seq then return { "#old|" .. text(now) .. "||0|0|0|0|" .. commands, {}, {}, {}, {}, {} } end
  local xlease, hdel, ids, fields = {}, {}, {}, {}
  for i = 1, #settles do
    local id = settles[i].id
    local v = state_of("t:" .. id)
    if v and v[1] == "!" then put(hdel, "t:" .. id) end
    local key = "d:" .. settles[i].dedupe
    if old[key] == "" then put(hdel, key) end
    if not v or v[1] == "!" or v[2] == "" then put(xlease, id) end
  end
  flush("ZREM", lease, xlease)
  flush("HDEL", state, hdel)
  for id in string.gmatch(stale_then, "[^\\1]+") do put(stale, id) end
  for i = 1, #extends do
    local v = state_of("t:" .. extends[i].id)
    if not v or v[2] ~= extends[i].token then put(lost, extends[i].id)
    elseif find(v[6], "x", 1, true) then put(cancelled, extends[i].id) end
  end
  local again, leftover = {}, {}
  for id in string.gmatch(claimed_then, "[^\\1]+") do put(ids, id) put(fields, "t:" .. id) end
  if #ids > 0 then
    local states, records = call("HMGET", state, unpack(fields)), read(ids)
    for i = 1, #ids do
      local v = states[i] and split(states[i])
      if v and v[2] == me and records[i] then
        deliver(again, ids[i], v, records[i])
        put(leftover, ids[i])
      end
    end
    flush("ZREM", ready, leftover)
  end
  mark_leases()
  arm()
  if not call("HGET", meta, "canary") then plant() end
  return { "#replay|" .. text(now) .. "||0|0|0|0|" .. commands, stale, lost, cancelled, {}, again }
end`;
