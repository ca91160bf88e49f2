"""The Lua scripts: each does as a whole what must be done or not done as a whole.

Keys, all behind the configured prefix ``P``:

* ``meta``: hash of ``identity``, ``schema`` and ``newest``, the highest id that was ever given.
* ``letter:<id>``: hash, one letter.
* ``ids``, ``ids:<destination>``: sorted by id, which is the score.
* ``places:<length of group>:<group>:<lane>``: hash, position to id. ``highest:<group>``: hash, lane to the highest
  position that ever had a letter. ``readers:<group>``: hash, lane to who began it last.
* ``current:<destination>``: letters that are not superseded, ``<profile> 0 <id>`` in the order of bytes.
* ``asked:<destination>``: letters whose replay is asked for, ``<lane> 0 <position, 20 digits> 0 <id>`` likewise.
  ``asked-lanes:<destination>``: hash, lane to how many. ``asking``: hash, destination to how many.
* ``purged``: ids of letters that were purged while their replay waited, sorted by id; the oldest of many are forgotten.
* ``totals``: hash, ``<destination>:letters`` and ``<destination>:bytes``.
* ``mapping-times:<destination>``: see ``mappings``.

Positions may have 63 bits and a number in Lua has 53, so they are compared as text.

At ``maxmemory`` Redis refuses every command of a transaction, also one that only reads. Of a script it refuses the
first command that may need memory, and none after one that wrote. So all that must work then is a script; one that
takes away does that first, and then works in any case; one that adds fails before it has done anything.
"""

from __future__ import annotations

from exporter.redis_server.server import Script
from exporter.state.store import PURGED_KEPT

_COMMON = r"""
local P = ARGV[1]
local function number(text) return tonumber(text or 0) or 0 end
local function whole(n) return string.format('%.0f', n) end
local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function letter(id) return P .. 'letter:' .. id end
local function places(group, lane) return P .. 'places:' .. #group .. ':' .. group .. ':' .. lane end
local function current(destination) return P .. 'current:' .. destination end
local function owned(profile, id) return profile .. '\0' .. id end
local function turn(lane, position, id)
  return lane .. '\0' .. string.rep('0', 20 - #position) .. position .. '\0' .. id
end
local function totals(destination)
  local found = redis.call('HMGET', P .. 'totals', destination .. ':letters', destination .. ':bytes')
  return number(found[1]), number(found[2])
end
local function grow(destination, letters, bytes)
  redis.call('HINCRBY', P .. 'totals', destination .. ':letters', whole(letters))
  redis.call('HINCRBY', P .. 'totals', destination .. ':bytes', whole(bytes))
end
local function less_one(key, field)
  if redis.call('HINCRBY', key, field, -1) <= 0 then redis.call('HDEL', key, field) end
end
local function unask(id, destination, lane, position)
  redis.call('ZREM', P .. 'asked:' .. destination, turn(lane, position, id))
  less_one(P .. 'asked-lanes:' .. destination, lane)
  less_one(P .. 'asking', destination)
end
local function set_replay(id, destination, lane, position, before, after)
  if before == after then return end
  if after == 'none' then
    unask(id, destination, lane, position)
  elseif before == 'none' then
    redis.call('ZADD', P .. 'asked:' .. destination, 0, turn(lane, position, id))
    redis.call('HINCRBY', P .. 'asked-lanes:' .. destination, lane, 1)
    redis.call('HINCRBY', P .. 'asking', destination, 1)
  end
  redis.call('HSET', letter(id), 'replay', after)
end
local function forget(id)
  local at = redis.call('HMGET', letter(id), 'destination', 'group', 'lane', 'position', 'profile', 'replay', 'bytes')
  local destination, lane, position = at[1], at[3], at[4]
  if not destination then return 0 end
  redis.call('DEL', letter(id))
  redis.call('ZREM', P .. 'ids', id)
  redis.call('ZREM', P .. 'ids:' .. destination, id)
  redis.call('HDEL', places(at[2], lane), position)
  if at[5] then redis.call('ZREM', current(destination), owned(at[5], id)) end
  if at[6] ~= 'none' then unask(id, destination, lane, position) end
  grow(destination, -1, -number(at[7]))
  return 1
end
"""

#: Arguments: prefix, destination, group, most bytes, how many readers, letters and deliveries there are; then of each
#: reader lane and name, of each letter what ``letters.packed`` says, of each delivery profile, lane, position.
#: Returns "taken" and a lane; "full" and the bytes that were too many; or "stored", letters and bytes of the
#: destination, the newest id before and after, and the profiles of which no current letter is left.
PUT = Script(
    _COMMON
    + r"""
local destination, group, most = ARGV[2], ARGV[3], tonumber(ARGV[4])
local at = 7
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
    first_at = take(), at = take(), superseded = take(), answer = take(), body = take(), bytes = take()}
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
-- One that is larger than all the room there is may have it for itself: it would never fit.
local alone = held == 0 and #letters == 1
if growth > 0 and held + growth > most and not alone then return {'full', whole(growth)} end

local before = number(redis.call('HGET', P .. 'meta', 'newest'))
local newest = before
local function store(new)
  local id = redis.call('HGET', new.places, new.position)
  local old = id and redis.call('HMGET', letter(id), 'profile', 'superseded', 'replay', 'bytes')
  local superseded, replay = new.superseded, 'none'
  if old and old[4] then
    if old[2] == '1' then superseded = '1' end
    replay = old[3]
    if superseded == '1' and replay == 'asked' then
      set_replay(id, new.destination, new.lane, new.position, replay, 'none')
      replay = 'none'
    end
    if old[1] then redis.call('ZREM', current(new.destination), owned(old[1], id)) end
    redis.call('HDEL', letter(id), 'profile', 'status')
    grow(new.destination, 0, tonumber(new.bytes) - number(old[4]))
  else
    -- Never below the time: after Redis has lost its last seconds, no id comes back for another letter.
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
for _, new in ipairs(letters) do store(new) end

local result = {'stored', 0, 0, whole(before), whole(newest)}
for _ = 1, tonumber(ARGV[7]) do
  local profile, lane, position = take(), take(), take()
  local first, last = '[' .. profile .. '\0', '(' .. profile .. '\1'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', current(destination), first, last)) do
    local id = string.match(member, '%d+$')
    if member == owned(profile, id) then
      local old = redis.call('HMGET', letter(id), 'group', 'lane', 'position', 'replay')
      if not old[1] then
        redis.call('ZREM', current(destination), member)
      elseif old[1] ~= group or old[2] ~= lane or less(old[3], position) then
        redis.call('ZREM', current(destination), member)
        redis.call('HSET', letter(id), 'superseded', '1')
        if old[4] == 'asked' then set_replay(id, destination, old[2], old[3], 'asked', 'none') end
      end
    end
  end
  if #redis.call('ZRANGEBYLEX', current(destination), first, last, 'LIMIT', 0, 1) == 0 then
    result[#result + 1] = profile
  end
end
local count, bytes = totals(destination)
result[2], result[3] = whole(count), whole(bytes)
return result
"""
)

#: Arguments: prefix, group, lane, reader. Returns the highest position of the lane.
BEGIN = Script(
    _COMMON
    + """
redis.call('HDEL', P .. 'readers:' .. ARGV[2], ARGV[3])
redis.call('HSET', P .. 'readers:' .. ARGV[2], ARGV[3], ARGV[4])
return redis.call('HGET', P .. 'highest:' .. ARGV[2], ARGV[3])
"""
)

#: Arguments: prefix, group, lane, reader.
LEAVE = Script(
    _COMMON
    + """
local key = P .. 'readers:' .. ARGV[2]
if redis.call('HGET', key, ARGV[3]) == ARGV[4] then redis.call('HDEL', key, ARGV[3]) end
return 1
"""
)

#: Arguments: prefix. Returns totals, the destinations that a replay is asked of, and the newest id.
OVERVIEW = Script(
    _COMMON
    + """
return {redis.call('HGETALL', P .. 'totals'), redis.call('HKEYS', P .. 'asking'),
  redis.call('HGET', P .. 'meta', 'newest')}
"""
)

#: Arguments: prefix, ids. Returns the replay of each, "purged" of each that was purged while one waited.
REPLAYS = Script(
    _COMMON
    + """
local found = {}
for at = 2, #ARGV do
  local id = ARGV[at]
  found[at - 1] = redis.call('HGET', letter(id), 'replay')
  if not found[at - 1] and #redis.call('ZRANGEBYSCORE', P .. 'purged', id, id) > 0 then found[at - 1] = 'purged' end
end
return found
"""
)

#: Arguments: prefix, destination, id. Returns letters and bytes of the destination.
DELIVERED = Script(
    _COMMON
    + """
forget(ARGV[3])
local count, bytes = totals(ARGV[2])
return {whole(count), whole(bytes)}
"""
)

#: Arguments: prefix, destination, id, reason, detail, status or "", attempts, at, answer, superseded. Returns letters
#: and bytes of the destination. One that is not there stays away.
FAILED = Script(
    _COMMON
    + """
local id = ARGV[3]
local old = redis.call('HMGET', letter(id), 'destination', 'lane', 'position', 'replay', 'profile', 'superseded')
if old[1] then
  if old[4] ~= 'none' then set_replay(id, old[1], old[2], old[3], old[4], 'none') end
  if ARGV[10] == '1' and old[6] == '0' then
    if old[5] then redis.call('ZREM', current(old[1]), owned(old[5], id)) end
    redis.call('HSET', letter(id), 'superseded', '1')
  end
  local growth = #ARGV[5] + #ARGV[9] - redis.call('HSTRLEN', letter(id), 'detail')
    - redis.call('HSTRLEN', letter(id), 'answer')
  redis.call('HSET', letter(id), 'reason', ARGV[4], 'detail', ARGV[5], 'attempts', ARGV[7], 'at', ARGV[8],
    'answer', ARGV[9])
  redis.call('HINCRBY', letter(id), 'bytes', growth)
  grow(old[1], 0, growth)
  if ARGV[6] == '' then
    redis.call('HDEL', letter(id), 'status')
  else
    redis.call('HSET', letter(id), 'status', ARGV[6])
  end
end
local count, bytes = totals(ARGV[2])
return {whole(count), whole(bytes)}
"""
)

#: Arguments: prefix, destination, most, how many lanes, the lanes, and ids to leave out. Returns whole letters, each
#: as its id and the fields and values of its hash.
REQUESTED = Script(
    _COMMON
    + r"""
local destination, most, lanes = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local but = {}
for at = 5 + lanes, #ARGV do but[ARGV[at]] = true end
local page = most + #ARGV - 4 - lanes
local found = {}
for at = 5, 4 + lanes do
  local lane = ARGV[at]
  local waiting = redis.call('ZRANGEBYLEX', P .. 'asked:' .. destination, '[' .. lane .. '\0', '(' .. lane .. '\1',
    'LIMIT', 0, page)
  for _, member in ipairs(waiting) do
    local id = string.match(member, '%d+$')
    if #found >= most then return found end
    if not but[id] and string.sub(member, 1, #member - #id - 22) == lane then
      local all = redis.call('HGETALL', letter(id))
      if #all > 0 then found[#found + 1] = {id, all} end
    end
  end
end
return found
"""
)

#: Arguments: prefix, destination, id to begin after, most. Returns the id that it came to, "" at the end, and the
#: profiles of those that are not superseded.
SINCE = Script(
    _COMMON
    + """
local ids = redis.call('ZRANGEBYSCORE', P .. 'ids:' .. ARGV[2], '(' .. ARGV[3], '+inf', 'LIMIT', 0, ARGV[4])
local profiles = {}
for _, id in ipairs(ids) do
  local at = redis.call('HMGET', letter(id), 'profile', 'superseded')
  if at[1] and at[2] == '0' then profiles[#profiles + 1] = at[1] end
end
local reached = ''
if #ids == tonumber(ARGV[4]) then reached = ids[#ids] end
return {reached, profiles}
"""
)

#: Goes through letters in the order of their ids and does something with those that are meant.
#: Arguments: prefix, what to do, id to begin after, most to look at, most to find, destination or "", reason or "",
#: "" or "+" and the profile, since or "", until or "", superseded "0", "1" or "", "all" or "these", and then the ids.
#: "page" returns their fields, "count" and "purge" only how many, "ask" and "ask superseded" their ids; before that
#: the id that it came to, and 1 if it came to the end of what there is.
SELECT = Script(
    _COMMON
    + """
local doing, after, most, limit, destination = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local since, till = tonumber(ARGV[9]), tonumber(ARGV[10])
local function meant(id)
  local at = redis.call('HMGET', letter(id), 'destination', 'reason', 'profile', 'at', 'superseded')
  return at[1] and (destination == '' or at[1] == destination) and (ARGV[7] == '' or at[2] == ARGV[7])
    and (ARGV[8] == '' or (at[3] and '+' .. at[3] == ARGV[8])) and (not since or tonumber(at[4]) >= since)
    and (not till or tonumber(at[4]) < till) and (ARGV[11] == '' or at[5] == ARGV[11])
end
local ids = {}
if ARGV[12] == 'these' then
  for at = 13, #ARGV do ids[#ids + 1] = ARGV[at] end
else
  local all = destination == '' and P .. 'ids' or P .. 'ids:' .. destination
  ids = redis.call('ZRANGEBYSCORE', all, '(' .. after, '+inf', 'LIMIT', 0, most)
end
local found, reached, ended = {}, after, #ids < most and 1 or 0
for _, id in ipairs(ids) do
  if #found >= limit then ended = 0; break end
  reached = id
  if meant(id) then found[#found + 1] = id end
end
if doing == 'page' then
  local shown = {}
  for _, id in ipairs(found) do
    shown[#shown + 1] = {id, redis.call('HMGET', letter(id), 'group', 'lane', 'position', 'destination', 'profile',
      'event', 'reason', 'detail', 'status', 'attempts', 'first_at', 'at', 'superseded', 'replay')}
  end
  return {reached, ended, shown}
elseif doing == 'count' then
  return {reached, ended, #found}
elseif doing == 'purge' then
  local purged, waited = P .. 'purged', {}
  for _, id in ipairs(found) do
    if redis.call('HGET', letter(id), 'replay') ~= 'none' then waited[#waited + 1] = id end
    forget(id)
  end
  for _, id in ipairs(waited) do redis.call('ZADD', purged, id, id) end
  local many = redis.call('ZCARD', purged) - PURGED_KEPT
  if many > 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', purged, '-inf', '+inf', 'LIMIT', 0, many)) do
      redis.call('ZREM', purged, id)
    end
  end
  return {reached, ended, #found}
end
for _, id in ipairs(found) do
  local at = redis.call('HMGET', letter(id), 'destination', 'lane', 'position', 'replay')
  local wanted = 'asked'
  if doing == 'ask superseded' or at[4] == 'asked_superseded' then wanted = 'asked_superseded' end
  set_replay(id, at[1], at[2], at[3], at[4], wanted)
end
return {reached, ended, found}
""".replace("PURGED_KEPT", str(PURGED_KEPT))
)
