/**
 * The last operations and their answers: a verb that comes again, however late, is answered as before.
 * \`remember\` commits an operation and whatever else belongs to it.
 */
export const OPERATIONS: string = `
local operations = call("HGET", meta, "ops") or ""
local function answered(operation)
  local from, to = find(operations, operation .. "=", 1, true)
  return from and match(operations, "^([^;]*)", to + 1)
end
local function remember(operation, answer, ...)
  local list = operation .. "=" .. answer .. ";" .. operations
  local _, cut = string.gsub(list, ";", "")
  while cut > 64 do list = match(list, "^(.*;)[^;]*;$") cut = cut - 1 end
  call("HSET", meta, "ops", list, ...)
end`;
