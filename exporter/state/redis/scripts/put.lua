-- Arguments: prefix, destination, group, most bytes, how many readers, letters and deliveries there are, and 1 where
-- letters that are there stay as they are; then of each reader lane and name, of each letter the values of
-- ``rows.packed``, of each delivery profile, lane, position.
-- Returns "taken" and a lane; "full" and the bytes for which there is no room; or "stored", letters and bytes of the
-- destination, the newest id before and after, and the profiles of which no current letter is left.
local destination, group, most = ARGV[2], ARGV[3], tonumber(ARGV[4])
local only_new = ARGV[8] == '1'
local at = 8
local function take() at = at + 1; return ARGV[at] end

for _ = 1, tonumber(ARGV[5]) do
  local lane, reader = take(), take()
  local holder = redis.call('HGET', P .. 'readers:' .. group, lane)
  if holder and holder ~= reader then return {'taken', lane} end
end

local letters, sizes = {}, {}
for n = 1, tonumber(ARGV[6]) do
  local new = {group = take(), lane = take(), position = take(), destination = take(), known = take(),
    profile = take(), event = take(), reason = take(), detail = take(), status = take(), attempts = take(),
    first_at = take(), at = take(), answer = take(), body = take(), bytes = take(), superseded = take()}
  new.places = places(new.group, new.lane)
  sizes[new.places .. '\0' .. new.position] = {new.places, new.position, tonumber(new.bytes)}
  letters[n] = new
end
local growth = 0
for _, size in pairs(sizes) do
  local id = redis.call('HGET', size[1], size[2])
  growth = growth + size[3] - (id and number(redis.call('HGET', letter(id), 'bytes')) or 0)
end
local _, held = totals(destination)
-- A letter that is larger than all the room may have the room alone: otherwise the letter would never fit.
local alone = held == 0 and #letters == 1
if growth > 0 and held + growth > most and not alone then return {'full', whole(growth)} end

local before = number(redis.call('HGET', P .. 'meta', 'newest'))
local newest = before
local function store(new)
  local id = redis.call('HGET', new.places, new.position)
  local old = id and redis.call('HMGET', letter(id), 'profile', 'superseded', 'replay', 'bytes')
  local superseded, replay = new.superseded, 'none'
  if old and old[4] then
    superseded, replay = old[2], old[3]
    if old[1] then redis.call('ZREM', current(new.destination), owned(old[1], id)) end
    redis.call('HDEL', letter(id), 'profile', 'status')
    grow(new.destination, 0, tonumber(new.bytes) - number(old[4]))
  else
    -- Never below the time: after Redis has lost the last seconds, no id comes back for a different letter.
    local now = redis.call('TIME')
    newest = math.max(newest + 1, tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
    id = whole(newest)
    redis.call('HSET', P .. 'meta', 'newest', id)
    redis.call('HSET', letter(id), 'group', new.group, 'lane', new.lane, 'position', new.position,
      'destination', new.destination, 'first_at', new.first_at)
    redis.call('ZADD', P .. 'ids', id, id)
    redis.call('ZADD', P .. 'ids:' .. new.destination, id, id)
    redis.call('HSET', new.places, new.position, id)
    local highest = redis.call('HGET', P .. 'highest:' .. new.group, new.lane)
    if not highest or less(highest, new.position) then
      redis.call('HSET', P .. 'highest:' .. new.group, new.lane, new.position)
    end
    grow(new.destination, 1, tonumber(new.bytes))
  end
  redis.call('HSET', letter(id), 'event', new.event, 'reason', new.reason, 'detail', new.detail,
    'attempts', new.attempts, 'at', new.at, 'superseded', superseded, 'replay', replay, 'answer', new.answer,
    'body', new.body, 'bytes', new.bytes)
  if new.status ~= '' then redis.call('HSET', letter(id), 'status', new.status) end
  if new.known == '1' then
    redis.call('HSET', letter(id), 'profile', new.profile)
    if superseded == '0' then redis.call('ZADD', current(new.destination), 0, owned(new.profile, id)) end
  end
end
for _, new in ipairs(letters) do
  local id = only_new and redis.call('HGET', new.places, new.position)
  if not (id and redis.call('HEXISTS', letter(id), 'bytes') == 1) then store(new) end
end

local result = {'stored', 0, 0, whole(before), whole(newest)}
for _ = 1, tonumber(ARGV[7]) do
  local profile, lane, position = take(), take(), take()
  if supersede(destination, group, profile, lane, position) then result[#result + 1] = profile end
end
local count, bytes = totals(destination)
result[2], result[3] = whole(count), whole(bytes)
return result
