/**
 * ready → leased, the attempt counted. A task whose last consumer died holding it is claimed alone, by a consumer that holds nothing, so that it takes nobody with it; a busy consumer passes it over, and is told.
 * What is indexed without being claimable is cleared: a record the database lost, a task that ended, is leased already, waits in its lane or is parked.
 * A task of a key that an enqueue placed and did not commit is in no lane yet: it enters it, instead of passing it by.
 */
export const CLAIM: string = `
local function pace_of(stored, free)
  local at, cut = match(stored or "", "^(%d+)|(.)$")
  at = math.max(tonumber(at) or 0, us - (cut == "1" and rate_ms * 1000 or 0))
  local left = rate_limit == 0 and limit or us < at and 0 or floor((us - at) * rate_limit / (rate_ms * 1000)) + 1
  return { at = at, left = left, started = 0, cut = 0, before = tonumber(cut) or 0 }
end
local function keep_pace(pace)
  if rate_limit == 0 then return end
  local at = floor(pace.at + pace.started * rate_ms * 1000 / rate_limit + 0.5)
  if pace.cut == 1 then next_due = math.min(next_due or 1e15, later(at, rate_ms)) end
  if pace.started == 0 and pace.cut == pace.before then return end
  set("!rate", text(at) .. "|" .. pace.cut)
end
local deliveries, claimed, paused, ghosts, suspects = {}, {}, 0, 0, 0
if limit > 0 then
  local room = limit + (alone == 1 and 0 or 50)
  local line = call("ZRANGE", ready, 0, room - 1, "WITHSCORES")
  if line[1] == "!paused" then
    paused = 1
    line = {}
  end
  local names = line[1] == "!paused.names" and halt()
  if names then
    room = limit + 401
    line = call("ZRANGE", ready, 0, room - 1, "WITHSCORES")
  end
  local front, keyed, plain = {}, {}, {}
  local function sort_out(found)
    for i = 1, #found, 2 do
      local task = { id = found[i], order = tonumber(found[i + 1]) }
      if sub(task.id, 1, 1) ~= "!" then put(task.order < -5e15 and front or task.order < -3e15 and keyed or plain, task) end
    end
  end
  sort_out(line)
  if #line == 2 * room and #keyed > 0 and #plain * 2 < limit then
    plain = {}
    sort_out(call("ZRANGE", ready, "(-3e15", "(+inf", "BYSCORE", "LIMIT", 0, room, "WITHSCORES"))
  end
  if #front + #keyed + #plain > 0 then
    local fields = {}
    for _, list in ipairs({ front, keyed, plain }) do
      for i = 1, #list do put(fields, "t:" .. list[i].id) end
    end
    put(fields, "!turn", "!rate", "c:" .. consumer)
    local states = call("HMGET", state, unpack(fields))
    if not asked then
      memory = states[#fields]
      local answer = recall()
      if answer then return answer end
    end
    if not turn then read_turn(states[#fields - 2]) end
    local place = 0
    for _, list in ipairs({ front, keyed, plain }) do
      for i = 1, #list do
        local task = list[i]
        place = place + 1
        local current = changed[fields[place]] or states[place]
        task.v = current and split(current) or {}
        task.suspect = (task.v[7] or "") ~= "" and task.v[2] == ""
      end
    end
    local first, second = keyed, plain
    if turn_of == "k" then first, second = plain, keyed end
    if alone == 1 and first[1] and second[1] and second[1].suspect and not first[1].suspect then first, second = second, first end
    local free = #front
    for i = 1, math.max(#first, #second) do put(front, first[i], second[i]) end
    local pace = pace_of(states[#fields - 1], free)
    local ids, picked, isolated = {}, {}, false
    local named = {}
    if names and names ~= "" then
      for i = 1, #front do named[i] = front[i].id end
      named = read(named)
    end
    for i = 1, #front do
      local task = front[i]
      if named[i] and park(names, task.id, task.v, named[i], task.order) then task.suspect = false
      elseif not isolated and task.suspect and (alone == 0 or #ids > 0) then suspects = 1
      elseif not isolated and #ids < limit and i > free and pace.left <= 0 then pace.cut = 1
      elseif not isolated and #ids < limit then
        if i > free then pace.left = pace.left - 1 end
        put(ids, task.id)
        put(picked, task)
        isolated = task.suspect
      end
    end
    stow(names)
    local records, rated = read(ids), {}
    for i = 1, #ids do if is_rated(picked[i].v) then put(rated, picked[i].v[4]) end end
    gather(rated)
    local bytes = 0
    for i = 1, #ids do
      local id, record, v, field = ids[i], records[i], picked[i].v, "t:" .. ids[i]
      if (v[4] or "") ~= "" and (not record or match(record, "^[CXED]|%d")) then
        gather({ v[4] })
        leave(id, v)
      end
      local asleep = record and sub(record, 1, 2) == "W|"
      if asleep then record = rouse(id, record, us) end
      if asleep and not record then put(xready, id)
      elseif not record then
        ghosts = ghosts + 1
        put(xready, id)
        put(hdel, field)
      elseif v[2] and v[2] ~= "" or find(v[6] or "", "[ln]") then put(xready, id)
      elseif not v[1] and match(record, "^L|") and header(record).lane ~= "" then
        v = { "0", "", text(picked[i].order), header(record).lane, "", "l" }
        gather({ v[4] })
        change(key_of(v[4]), 0, 1)
        terms(lanes[key_of(v[4])], v[4])
        put(zline, 0, spot(v, id))
        set(field, join(v))
        put(xready, id)
        risen = true
      elseif match(record, "^[CXED]|%d") then
        put(xready, id)
        put(hdel, field)
        local till = match(record, "^[CXE]|%d+|(%d+)|")
        if till then call("ZADD", ends, "NX", till, id) else call("ZADD", dead, "NX", split(record)[7], id) end
        miss(field, v[1], record)
      else
        if bytes > 0 and bytes + #record > max_bytes then break end
        bytes = bytes + #record
        v[1], v[2] = text((tonumber(v[1]) or 0) + 1), me
        if (v[3] or "") == "" then v[3] = text(picked[i].order) end
        local order = picked[i].order
        if order > -5e15 and is_rated(v) then start(v) end
        set(field, join(v))
        if order < -3e15 and order > -5e15 then turn, turn_of = math.max(turn, order + 4e15 + 1), "k"
        elseif order > -3e15 then turn_of = "" end
        if order > -5e15 then pace.started = pace.started + 1 end
        deliver(deliveries, id, v, record)
        put(claimed, id)
        put(xready, id)
        put(zlease, text(now + lease_ms), id)
      end
    end
    if #keyed > 0 and #claimed > 0 then set("!turn", text(turn) .. "|" .. turn_of) end
    keep_pace(pace)
    count_missed(groups)
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
  if last > seq then return { "#old|" .. text(now) .. "||0|0|0|0|" .. commands .. "|0|", {}, {}, {}, {}, {} } end
  local xlease, hdel, ids, fields = {}, {}, {}, {}
  for i = 1, #settles do
    local id = settles[i].id
    local v = state_of("t:" .. id)
    if v and v[1] == "!" then put(hdel, "t:" .. id) end
    local key = "d:" .. settles[i].dedupe
    if old[key] == "" then put(hdel, key) end
    if not v or v[1] == "!" or v[2] == "" then put(xlease, id) end
  end
  flush("HDEL", state, hdel)
  flush("ZREM", lease, xlease)
  for id in string.gmatch(stale_then, "[^\\1]+") do put(stale, id) end
  for i = 1, #extends do
    local v = state_of("t:" .. extends[i].id)
    if not v or v[2] ~= extends[i].token then put(lost, extends[i].id)
    elseif find(v[6], "x", 1, true) then put(cancelled, extends[i].id) end
  end
  local again, leftover, roused = {}, {}, 0
  for i = 1, #settles do
    local field = "g:" .. settles[i].group
    local g = group_of(old[field])
    if g then
      old[field], roused = false, roused + 1
      local record = find(g[6], "f", 1, true) and g.callback ~= "" and call("HGET", body(g.callback), g.callback)
      if record and sub(record, 1, 2) == "W|" then rouse(g.callback, record, us + #settles + #births + roused) end
    end
  end
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
  attend(claimed_then ~= "")
  mark_leases()
  arm()
  if not call("HGET", meta, "canary") then plant() end
  return { "#replay|" .. text(now) .. "||0|0|0|0|" .. commands .. "|" .. presence, stale, lost, cancelled, {}, again }
end`;
