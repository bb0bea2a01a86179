/**
 * Accepts new tasks, for `enqueue` and for a settlement's deferred ones: the record is the gate, then comes the index.
 * A repeat finds the record; if an earlier request failed before the index was written, it writes it now, unless another task holds the key by then.
 *
 * Record: `L|accepted µs|due ms|priority|name|dedupe[|flags[|key,limit[|group]]]\n envelope`. Answers: `+` new, `=` known, `@id` another holds the dedupe key.
 */
export const ADMIT: string = `
local fresh, holders, seen, dedupes, taken = {}, {}, {}, {}, {}
local prompt = {}
local function new_task()
  return { id = arg(), name = arg(), envelope = arg(), kind = arg(), at = num(), priority = num(), dedupe = arg(), ttl = num(), flags = arg(), lane = arg(), group = arg() }
end
local function extras(t)
  if t.group ~= "" then return "|" .. t.flags .. "|" .. t.lane .. "|" .. t.group end
  return t.lane ~= "" and "|" .. t.flags .. "|" .. t.lane or t.flags ~= "" and "|" .. t.flags or ""
end
local function hold(t, since)
  if t.dedupe == "" or since + t.ttl <= now then return end
  local till = text(since + t.ttl)
  holders[t.dedupe] = t.id .. "|" .. till
  taken["d:" .. t.dedupe] = true
  put(hset, "d:" .. t.dedupe, t.id .. "|" .. till)
  put(zends, till, "d:" .. t.dedupe)
end
local function held(t)
  local id, till = match(holders[t.dedupe] or "", "^(.*)|(%d+)$")
  return id and tonumber(till) > now and id
end
local function admit(t, order, old)
  if seen[t.id] then return "=" end
  local by = held(t)
  local other = by and by ~= t.id
  local at = t.kind == "after" and now + t.at or t.kind == "at" and t.at or 0
  if at <= now then at = 0 end
  local record = "L|" .. text(order) .. "|" .. (at > 0 and text(at) or "") .. "|" .. t.priority .. "|" .. t.name .. "|" .. t.dedupe .. extras(t) .. "\\n" .. t.envelope
  local written = false
  if old == nil then
    written = not other and call("HSETNX", body(t.id), t.id, record) == 1
    old = not written and call("HGET", body(t.id), t.id)
  end
  local over = old and forgettable(old)
  if other and (over or not old) then return "@" .. by end
  seen[t.id] = true
  if over then
    call("ZREM", ends, t.id)
    old = false
  end
  if old then
    if sub(old, 1, 1) == "L" then
      local h = header(old)
      if h.due <= now then prompt.known = true end
      local current = h.lane ~= "" and call("HGET", state, "t:" .. t.id)
      local v = current and split(current)
      if v and find(v[6] or "", "l", 1, true) then put(zline, 0, spot(v, t.id))
      elseif h.lane ~= "" and not v or unindexed(t.id) then
        if other then return "@" .. by end
        if not v then stand(t.id, h.due, h.priority, h.us, h.lane)
        elseif find(v[6] or "", "a", 1, true) then put(zready, v[3], t.id)
        else line_up(t.id, h.due, h.priority, h.us) end
      end
      if h.dedupe == t.dedupe and not by then hold(t, floor(h.us / 1000)) end
    end
    return "="
  end
  if not written then put(fresh, t.id, record) end
  hold(t, now)
  local places = #zready
  stand(t.id, at, t.priority, order, t.lane)
  if #zready > places then prompt.new = true end
  return "+"
end`;
