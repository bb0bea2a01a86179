/** The Lua around a script that has to be watched: it counts the script's commands, fails one of them, shifts TIME, enforces limits. */

import { GROWING } from "./command.ts";
import type { Clock } from "./fault.ts";

/** What the wrapper is told, as one argument behind the script's own. */
export interface Watch {
  /** Which command fails, from 1; 0 for none. */
  readonly k: number;
  readonly error: string;
  readonly clock: Clock | null;
  /** 0 for no limit. */
  readonly recordBytes: number;
}

/** Writes the argument that the wrapper takes off ARGV. */
export function watchArgument({ k, error, clock, recordBytes }: Watch): string {
  const [mode, us] = clock === null
    ? ["none", 0]
    : "atUs" in clock
    ? ["frozen", clock.atUs]
    : ["offset", clock.offsetMs * 1000];
  return `${k} ${mode} ${us.toFixed(0)} ${recordBytes} ${error}`;
}

/**
 * The script inside its wrapper. Instead of the script's reply it returns
 * `{commands, struck, returned, names, reply}`, so nothing is asked of Redis that the script does not ask itself.
 */
export function wrap(
  source: string,
  options: { readonly declaredKeysOnly: boolean },
): string {
  return `local function __script(redis, ...)
${source}
end
local __undeclared = ${options.declaredKeysOnly ? UNDECLARED : "function() end"}
${WATCH}`;
}

const GROWING_TABLE: string = luaTable(
  [...GROWING].map((name) => [name, "yes"] as const),
);

const WATCH = `
local k, mode, us, limit, failure = string.match(table.remove(ARGV), "^(%d+) (%a+) (%-?%d+) (%d+) (.*)$")
k, us, limit = tonumber(k), tonumber(us), tonumber(limit)
local count, struck, names = 0, 0, {}
local growing = limit > 0 and ${GROWING_TABLE} or {}
local function oversized(name, key, ...)
  if not growing[name] then return nil end
  local size = redis.call("MEMORY", "USAGE", key) or 0
  for _, value in ipairs({...}) do size = size + #tostring(value) end
  if size > limit then
    return string.format("ERR max single record size exceeded. Limit: %d bytes, Actual: %d bytes", limit, size)
  end
end
local function refusal(name, ...)
  if count == k then
    struck = 1
    return failure
  end
  return __undeclared(name, ...) or oversized(name, ...)
end
local function shifted(time)
  if mode == "none" or time.err then return time end
  local at = us
  if mode == "offset" then at = at + time[1] * 1000000 + time[2] end
  local seconds = math.floor(at / 1000000)
  return { string.format("%.0f", seconds), string.format("%.0f", at - seconds * 1000000) }
end
local function watched(real, fail)
  return function(name, ...)
    count = count + 1
    local upper = string.upper(tostring(name))
    names[count] = upper
    local problem = refusal(upper, ...)
    if problem then return fail({ err = problem }) end
    if upper == "TIME" then return shifted(real(name, ...)) end
    return real(name, ...)
  end
end
local watching = setmetatable({
  call = watched(redis.call, function(failed) error(failed, 0) end),
  pcall = watched(redis.pcall, function(failed) return failed end),
}, { __index = redis })
local returned, reply = pcall(__script, watching)
if not returned then
  local message = type(reply) == "table" and reply.err or tostring(reply)
  if not string.find(message, "^%u+ ") then message = "ERR " .. message end
  reply = { err = message }
end
return { count, struck, returned and 1 or 0, table.concat(names, " "), reply }`;

/** Where the keys of a command stand; for all others it is the first argument. */
const SHAPES: Readonly<Record<string, string>> = {
  none:
    "TIME PING ECHO PUBLISH DBSIZE RANDOMKEY KEYS SCAN INFO LASTSAVE WAIT COMMAND",
  all:
    "DEL UNLINK EXISTS TOUCH MGET SINTER SUNION SDIFF SINTERSTORE SUNIONSTORE SDIFFSTORE PFCOUNT PFMERGE",
  pairs: "MSET MSETNX",
  two:
    "RENAME RENAMENX COPY LMOVE RPOPLPUSH SMOVE ZRANGESTORE GEOSEARCHSTORE LCS",
  counted: "ZUNION ZINTER ZDIFF ZINTERCARD SINTERCARD LMPOP ZMPOP",
  stored: "ZUNIONSTORE ZINTERSTORE ZDIFFSTORE",
  second: "OBJECT MEMORY XGROUP XINFO",
  rest: "BITOP",
  streams: "XREAD XREADGROUP",
  store: "SORT GEORADIUS GEORADIUSBYMEMBER",
  whole: "FLUSHALL FLUSHDB",
};

/** A Lua table constructor: each name with its value. */
function luaTable(entries: readonly (readonly [string, string])[]): string {
  return `{ ${
    entries.map(([name, value]) => `${name}="${value}"`).join(", ")
  } }`;
}

const SHAPE_OF: string = luaTable(
  Object.entries(SHAPES).flatMap(([shape, names]) =>
    names.split(" ").map((name) => [name, shape] as const)
  ),
);

/** Upstash's rule of allow-key-locking: each key a command touches has to be in KEYS. Returns the error, or nothing. */
const UNDECLARED: string = `(function()
  local declared, shapes = {}, ${SHAPE_OF}
  for _, key in ipairs(KEYS) do declared[key] = true end
  local function word(arg) return string.upper(tostring(arg)) end
  local function keys_of(shape, args)
    local from, last, step = 1, #args, 1
    if shape == "none" then last = 0
    elseif shape == "pairs" then step = 2
    elseif shape == "two" then last = 2
    elseif shape == "counted" then from, last = 2, 1 + (tonumber(args[1]) or 0)
    elseif shape == "second" then from, last = 2, 2
    elseif shape == "rest" then from = 2
    elseif shape == "streams" then
      for i, arg in ipairs(args) do
        if word(arg) == "STREAMS" then from, last = i + 1, i + (#args - i) / 2 break end
      end
    end
    local keys = {}
    if shape == "stored" then
      keys[1], from, last = args[1], 3, 2 + (tonumber(args[2]) or 0)
    elseif shape == "store" then
      keys[1], last = args[1], 0
      for i = 2, #args do
        if word(args[i]) == "STORE" or word(args[i]) == "STOREDIST" then keys[2] = args[i + 1] end
      end
    end
    for i = from, last, step do keys[#keys + 1] = args[i] end
    return keys
  end
  local function problem(key)
    if declared[key] or declared[tostring(key)] then return nil end
    return "ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: " .. tostring(key)
  end
  return function(name, first, ...)
    local shape = shapes[name]
    if not shape then return first ~= nil and problem(first) or nil end
    if shape == "whole" then
      return "ERR " .. name .. " is not allowed in Lua scripts when 'allow-key-locking' flag is set"
    end
    for _, key in ipairs(keys_of(shape, { first, ... })) do
      local found = problem(key)
      if found then return found end
    end
  end
end)()`;
