-- What may leave on a sender line or a provider account: a log of departures, kept by Valkey.
--
-- A departure takes part in the limit from the moment it is permitted until a period after it
-- was reported to have happened. So however late a worker is, no sliding period ever sees
-- more than the limit: at the moment of the last permit all others of the period still count.
--
-- KEYS: for each bucket its state (hash), its log and its reservations (sorted sets).
-- ARGV: command, instant in microseconds ('' asks the server; tests give it), then for each
-- bucket: units per second, most units per day (0: no cap), name of the day, microseconds
-- until the day ends; then what the command needs.

local SECOND = 1000000
local GUARD = 5000            -- periods are so much longer: clocks of machines differ in speed
local LOOK = 500000           -- a message is claimed at most so long before its turn
local EARLY = 450000          -- who waits is due again so long before his turn
local LOST = 15 * SECOND      -- a permit that is never reported was used, or its worker died
local HELD = 30 * SECOND      -- a reservation that is never used
local HORIZON = 600 * SECOND  -- nobody is sent away for longer
local HUNGRY = SECOND         -- lower lanes stand back so long after a higher one had to wait
local CUT = 0.7
local LEAST = 0.05
local RECOVERY = 0.02         -- of the full rate, per second

local BUCKETS = #KEYS / 3
local COMMAND = ARGV[1]
local FIRST = 2 + 4 * BUCKETS + 1

local function int(number) return string.format('%.0f', number) end

local function instant()
  if ARGV[2] ~= '' then return tonumber(ARGV[2]) end
  local time = redis.call('TIME')
  return time[1] * SECOND + time[2]
end

local function cost_of(member) return tonumber(string.match(member, '^%d+')) end

local function forget_expired(b)
  local gone = redis.call('ZRANGEBYSCORE', b.log, '-inf', int(b.now))
  for _, member in ipairs(gone) do b.used = b.used - cost_of(member) end
  if #gone > 0 then redis.call('ZREMRANGEBYSCORE', b.log, '-inf', int(b.now)) end
  redis.call('ZREMRANGEBYSCORE', b.held, '-inf', int(b.now))
end

-- Units per period, and the period: below one unit per second the period grows instead.
local function measure(b)
  if b.rate >= 1 then
    b.capacity, b.period = math.floor(b.rate + 1e-9), SECOND + GUARD
  else
    b.capacity, b.period = 1, SECOND / b.rate + GUARD
  end
  b.spacing = b.period / b.capacity
end

local function open(no, at)
  local argument = 2 + 4 * (no - 1)
  local b = {
    state = KEYS[3 * no - 2], log = KEYS[3 * no - 1], held = KEYS[3 * no],
    top = tonumber(ARGV[argument + 1]), cap = tonumber(ARGV[argument + 2]),
    day = ARGV[argument + 3], day_left = tonumber(ARGV[argument + 4]),
  }
  local known = redis.call('HMGET', b.state, 'last', 'used', 'rate', 'set', 'pause', 'day', 'sent')
  b.is_known = known[1]
  b.now = math.max(at, tonumber(known[1] or 0))
  b.used = tonumber(known[2] or 0)
  b.set = tonumber(known[4] or at)
  b.pause = tonumber(known[5] or 0)
  b.rate = math.min(b.top, tonumber(known[3] or b.top)
    + b.top * RECOVERY * math.max(0, b.now - b.set) / SECOND)
  measure(b)
  if not b.is_known then
    -- Nothing is known of what has left: the period that is going on counts as used up.
    b.pause = b.now + b.period
  end
  if known[6] == b.day then
    b.sent = tonumber(known[7])
  elseif known[6] then
    b.sent = 0
  end
  forget_expired(b)
  return b
end

local function close(b)
  redis.call('HSET', b.state, 'last', int(b.now), 'used', int(b.used),
    'rate', string.format('%.6f', b.rate), 'set', int(math.max(b.now, b.pause)),
    'pause', int(b.pause))
  if b.sent then redis.call('HSET', b.state, 'day', b.day, 'sent', int(b.sent)) end
end

local function left_of_day(b)
  if b.cap == 0 then return math.huge end
  return b.cap - (b.sent or b.cap)
end

-- Units that are still taken at an instant, and when each of them comes free.
local function taken_after(b, moment)
  local units, ends = 0, {}
  local entries = redis.call('ZRANGEBYSCORE', b.log, '(' .. int(moment), '+inf', 'WITHSCORES')
  for place = 1, #entries, 2 do
    units = units + cost_of(entries[place])
    ends[#ends + 1] = math.min(tonumber(entries[place + 1]), b.now + b.period)
  end
  return units, ends
end

-- How many more may be claimed now, and when the next after them has its turn.
local function room(b)
  if left_of_day(b) <= redis.call('ZCARD', b.held) then return 0, b.now + b.day_left end
  if b.pause > b.now + LOOK then return 0, b.pause end
  local waiting = redis.call('ZCARD', b.held)
  local taken, ends = taken_after(b, b.now + LOOK)
  local most = math.max(1, math.floor(b.rate * LOOK / SECOND)) - waiting
  local free = math.min(most, b.capacity - taken - waiting, left_of_day(b) - waiting)
  local turn = ends[math.max(1, waiting + taken + 1 - b.capacity)]
  return math.max(0, free), turn or (b.now + (waiting + 1) * b.spacing)
end

local function is_outranked(b, rank)
  for higher = 0, rank - 1 do
    local until_ = tonumber(redis.call('HGET', b.state, 'hungry:' .. higher) or 0)
    if until_ > b.now then return true end
  end
  return false
end

-- Those who get no reservation queue up behind each other, one for each turn of the bucket.
local function queue_up(b, rank, count, turn)
  local tail = tonumber(redis.call('HGET', b.state, 'tail:' .. rank) or 0)
  local first = math.max(b.now + LOOK - EARLY, turn - EARLY, math.min(tail, b.now + HORIZON))
  redis.call('HSET', b.state, 'tail:' .. rank, int(first + count * b.spacing),
    'hungry:' .. rank, int(b.now + HUNGRY))
  return first - b.now
end

-- reserve: rank of the lane, then the names of those who want to leave. Answers how many of
-- the first may be claimed, when the next is due (microseconds from now) and the distance
-- of those after it; -1 where the day's count has to be told first.
local function reserve(buckets)
  local rank, wanted = tonumber(ARGV[FIRST]), #ARGV - FIRST
  local granted, turn, slowest = wanted, 0, buckets[1]
  for _, b in ipairs(buckets) do
    if b.cap > 0 and not b.sent then return {-1, 0, 0} end
    local free, next_turn = room(b)
    if is_outranked(b, rank) then free = 0 end
    granted = math.min(granted, free)
    turn = math.max(turn, next_turn)
    if b.spacing > slowest.spacing then slowest = b end
  end
  for place = 1, granted do
    for _, b in ipairs(buckets) do
      redis.call('ZADD', b.held, int(b.now + HELD), ARGV[FIRST + place])
    end
  end
  if granted == wanted then return {granted, 0, 0} end
  local wait = queue_up(slowest, rank, wanted - granted, turn)
  return {granted, int(math.max(wait, 0)), int(math.min(slowest.spacing, HORIZON))}
end

-- A unit of work larger than a period's worth takes as many periods as it needs.
local function free_again(b, cost)
  return b.now + b.period * math.max(1, cost / b.capacity)
end

local function report(b, member)
  if not redis.call('ZSCORE', b.log, member) then b.used = b.used + cost_of(member) end
  redis.call('ZADD', b.log, int(free_again(b, cost_of(member))), member)
end

local function has_room(b, cost)
  if b.pause > b.now then return false, b.pause - b.now end
  if left_of_day(b) < cost then return false, b.day_left end
  if b.used == 0 or b.used + cost <= b.capacity then return true, 0 end
  local first = redis.call('ZRANGE', b.log, 0, 0, 'WITHSCORES')
  return false, math.min(tonumber(first[2]) - b.now, b.period)
end

local function permit(b, member, name)
  b.used = b.used + cost_of(member)
  if b.sent then b.sent = b.sent + cost_of(member) end
  redis.call('ZADD', b.log, int(b.now + LOST), member)
  redis.call('ZREM', b.held, name)
end

-- depart: how many have left, those (units:name), then for each who wants to leave now
-- (units:name) and the name of his reservation. Answers how many of the first may, and after
-- how many microseconds the next can ask again.
local function depart(buckets)
  local left = tonumber(ARGV[FIRST])
  for place = FIRST + 1, FIRST + left do
    for _, b in ipairs(buckets) do report(b, ARGV[place]) end
  end
  local granted = 0
  for place = FIRST + left + 1, #ARGV, 2 do
    local wait = 0
    for _, b in ipairs(buckets) do
      local is_free, pause = has_room(b, cost_of(ARGV[place]))
      if not is_free then wait = math.max(wait, pause, 1) end
    end
    if wait > 0 then return {granted, int(wait)} end
    for _, b in ipairs(buckets) do permit(b, ARGV[place], ARGV[place + 1]) end
    granted = granted + 1
  end
  return {granted, 0}
end

local function release(buckets)
  for _, b in ipairs(buckets) do
    for place = FIRST, #ARGV do redis.call('ZREM', b.held, ARGV[place]) end
  end
  return {0}
end

-- slow: how many microseconds the provider asked us to wait (0: it did not say). The rate is
-- cut once in a second: the answers to one burst are one message.
local function slow(buckets)
  for _, b in ipairs(buckets) do
    local cut = tonumber(redis.call('HGET', b.state, 'cut') or 0)
    if b.now - cut >= SECOND then
      b.rate = math.max(b.top * LEAST, b.rate * CUT)
      redis.call('HSET', b.state, 'cut', int(b.now))
    end
    b.pause = math.max(b.pause, b.now + tonumber(ARGV[FIRST]))
  end
  return {0}
end

-- seed: for each bucket how many units have left today, where nothing is known of it.
local function seed(buckets)
  for no, b in ipairs(buckets) do
    if not b.sent then b.sent = tonumber(ARGV[FIRST + no - 1]) end
  end
  return {0}
end

-- look: for each bucket its present rate, units in the log, reservations, pause left, units
-- of the day.
local function look(buckets)
  local told = {}
  for _, b in ipairs(buckets) do
    told[#told + 1] = {
      string.format('%.3f', b.rate), int(b.used), redis.call('ZCARD', b.held),
      int(math.max(0, b.pause - b.now)), int(b.sent or 0),
    }
  end
  return told
end

local COMMANDS = {
  reserve = reserve, depart = depart, release = release, slow = slow, seed = seed, look = look,
}

local at = instant()
local buckets = {}
for no = 1, BUCKETS do buckets[no] = open(no, at) end
local answer = COMMANDS[COMMAND](buckets)
for _, b in ipairs(buckets) do
  if b.is_known or COMMAND ~= 'look' then close(b) end
end
return answer
