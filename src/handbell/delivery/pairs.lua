-- How soon one recipient may be written to again: the generic cell rate algorithm, a key each.
--
-- KEYS: since when this memory exists, then one for each recipient.
-- ARGV: instant in microseconds ('' asks the server), microseconds per message, burst.
-- A recipient who is not remembered has the whole burst, unless the memory itself is younger
-- than the burst lasts: then it may have been lost, and one message is all.

local every, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local at = tonumber(ARGV[1])
if not at then
  local time = redis.call('TIME')
  at = time[1] * 1000000 + time[2]
end

local function int(number) return string.format('%.0f', number) end

redis.call('SET', KEYS[1], int(at), 'NX')
local depth = every * (burst - 1)
local is_young = at - tonumber(redis.call('GET', KEYS[1])) < every * burst

local waits = {}
for place = 2, #KEYS do
  local due = tonumber(redis.call('GET', KEYS[place]) or (is_young and at + depth or at))
  due = math.max(due, at)
  if due - at > depth then
    waits[#waits + 1] = int(due - at - depth)
  else
    local life = math.ceil((due + every - at) / 1000)
    redis.call('SET', KEYS[place], int(due + every), 'PX', int(life))
    waits[#waits + 1] = '0'
  end
end
return waits
