/**
 * The operations of the last 24 hours, 500 at most, and their answers: a verb that comes again, however late, is answered as before.
 * `ops` in `meta` has `ms:operation=answer;` of each, the newest first. `remember` commits an operation and whatever else belongs to it.
 */
export const OPERATIONS: string = `
local operations = call("HGET", meta, "ops") or ""
local function answered(operation)
  local from, to = find(operations, ":" .. operation .. "=", 1, true)
  return from and match(operations, "^([^;]*)", to + 1)
end
local function remember(now, operation, answer, ...)
  local list = { text(now) .. ":" .. operation .. "=" .. answer .. ";" }
  for entry, at in string.gmatch(operations, "((%d+):[^;]*;)") do
    if #list < 500 and tonumber(at) > now - 86400000 then put(list, entry) end
  end
  call("HSET", meta, "ops", table.concat(list), ...)
end`;
