-- A circuit breaker for one provider account, shared by all workers.
--
-- Closed: everybody calls. Too many errors in the window open it. Open: nobody calls until
-- the pause is over. Half open: a few probes; when all went well it closes, one error opens it
-- again for twice as long.
--
-- KEYS: state (hash), counts (hash of "slot:good" and "slot:bad").
-- ARGV: command, instant in microseconds ('' asks the server; tests give it), then its own.

local SECOND = 1000000
local SLOT = 5 * SECOND
local SLOTS = 6                -- a window of 30 seconds
local LEAST_CALLS = 20
local MOST_ERRORS = 0.10
local FIRST_PAUSE = 5 * SECOND
local LONGEST_PAUSE = 120 * SECOND
local PROBES = 3
local PROBE_LIFE = 15 * SECOND -- a probe that nobody reports was lost with its worker

local function int(number) return string.format('%.0f', number) end

local function instant()
  if ARGV[2] ~= '' then return tonumber(ARGV[2]) end
  local time = redis.call('TIME')
  return time[1] * SECOND + time[2]
end

local state, counts = KEYS[1], KEYS[2]
local function get(field) return tonumber(redis.call('HGET', state, field) or 0) end

local now = math.max(instant(), get('last'))
local word = redis.call('HGET', state, 'word') or 'closed'

local function set(...) redis.call('HSET', state, 'last', int(now), ...) end

local function open(pause, calls, errors)
  word = 'open'
  set('opened', int(now), 'opened_calls', int(calls), 'opened_errors', int(errors))
  set('word', 'open', 'until', int(now + pause), 'pause', int(pause), 'probes', '0', 'good', '0')
  redis.call('HINCRBY', state, 'openings', 1)
  redis.call('DEL', counts)
end

local function close()
  word = 'closed'
  set('word', 'closed', 'pause', '0')
  redis.call('DEL', counts)
end

local function turn_half_open()
  word = 'half_open'
  set('word', 'half_open', 'probes', '0', 'good', '0')
end

if word == 'open' and now >= get('until') then turn_half_open() end
if word == 'half_open' and get('probes') > 0 and now - get('probed') > PROBE_LIFE then
  set('probes', '0', 'good', '0')
end

local function window()
  local good, bad, gone = 0, 0, {}
  local oldest = math.floor(now / SLOT) - SLOTS + 1
  local told = redis.call('HGETALL', counts)
  for place = 1, #told, 2 do
    local slot, kind = string.match(told[place], '^(%d+):(%a+)$')
    if tonumber(slot) < oldest then
      gone[#gone + 1] = told[place]
    elseif kind == 'good' then
      good = good + tonumber(told[place + 1])
    else
      bad = bad + tonumber(told[place + 1])
    end
  end
  if #gone > 0 then redis.call('HDEL', counts, unpack(gone)) end
  return good, bad
end

-- ask: how many calls somebody wants to make. Answers how many he may, and after how many
-- microseconds the others can ask again.
local function ask(wanted)
  if word == 'closed' then return {wanted, 0} end
  if word == 'open' then return {0, int(get('until') - now)} end
  local granted = math.min(wanted, PROBES - get('probes'))
  if granted > 0 then set('probes', int(get('probes') + granted), 'probed', int(now)) end
  return {granted, int(SECOND)}
end

-- tell: how many calls went well and how many did not. Answers the state.
local function tell(good, bad)
  if word == 'half_open' then
    if bad > 0 then
      open(math.min(LONGEST_PAUSE, math.max(FIRST_PAUSE, get('pause') * 2)), good + bad, bad)
    else
      set('good', int(get('good') + good))
      if get('good') >= PROBES then close() end
    end
  elseif word == 'closed' then
    local slot = int(math.floor(now / SLOT))
    if good > 0 then redis.call('HINCRBY', counts, slot .. ':good', good) end
    if bad > 0 then redis.call('HINCRBY', counts, slot .. ':bad', bad) end
    redis.call('PEXPIRE', counts, SLOT * SLOTS * 2 / 1000)
    local all_good, all_bad = window()
    local all = all_good + all_bad
    if all >= LEAST_CALLS and all_bad / all >= MOST_ERRORS then
      open(FIRST_PAUSE, all, all_bad)
    end
  end
  return {word}
end

-- give_back: probes that were granted and made no call.
local function give_back(count)
  if word == 'half_open' then set('probes', int(math.max(0, get('probes') - count))) end
  return {word}
end

local function look()
  local good, bad = window()
  local left = word == 'open' and get('until') - now or 0
  return {
    word, good, bad, int(left), int(get('openings')),
    int(get('opened')), int(get('opened_calls')), int(get('opened_errors')),
  }
end

if ARGV[1] == 'ask' then return ask(tonumber(ARGV[3])) end
if ARGV[1] == 'tell' then return tell(tonumber(ARGV[3]), tonumber(ARGV[4])) end
if ARGV[1] == 'give_back' then return give_back(tonumber(ARGV[3])) end
return look()
