"""The Lua scripts: what has to happen as a whole, most of it only while this reader still holds its lease.

A reader that was away for longer than its lease, because its process stood still or its network was cut, must
neither take entries from nor acknowledge them for the reader that came after it. Redis looks at the lease in the
same step, so that does not depend on anybody's clock.
"""

from __future__ import annotations

from exporter.queues.redis_streams.server import Script

#: Keys: lease, record. Arguments: token, lease in ms, group, settled-to id or "".
#: Returns what it came to, and how many acknowledgements of this group Redis knows of.
#: 0: somebody else holds it. 1: held now, and somebody else held it in between. 2: held now, and nobody else did.
HOLD = Script("""
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {0, 0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local owner = redis.call('HGET', KEYS[2], 'owner:' .. ARGV[3])
local now = redis.call('TIME')
redis.call('HSET', KEYS[2], 'owner:' .. ARGV[3], ARGV[1], 'seen:' .. ARGV[3], now[1])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'place:' .. ARGV[3], ARGV[4]) end
local known = tonumber(redis.call('HGET', KEYS[2], 'acked:' .. ARGV[3]) or '0')
if owner and owner ~= ARGV[1] then return {1, known} end
return {2, known}
""")

#: Keys: lease. Arguments: token.
RELEASE = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")

#: Keys: lease, stream, record. Arguments: token, group, consumer, most, the id to read after in the pending list or
#: ">", how many entries the group has passed so far. Returns nil without the lease; else the entries, and length,
#: entries-added and first id of the stream. Redis's own entries-read does not survive a restart or a failover, so the
#: count is kept in the record.
READ = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local found = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS', KEYS[2], ARGV[5])
local info = redis.call('XINFO', 'STREAM', KEYS[2])
local length, added, first = 0, 0, ''
for at = 1, #info, 2 do
  if info[at] == 'length' then length = info[at + 1] end
  if info[at] == 'entries-added' then added = info[at + 1] end
  if info[at] == 'first-entry' and info[at + 1] then first = info[at + 1][1] end
end
local entries = {}
if found then entries = found[1][2] end
if ARGV[5] == '>' and #entries > 0 then
  local read = string.format('%s %.0f', entries[#entries][1], tonumber(ARGV[6]) + #entries)
  redis.call('HSET', KEYS[3], 'read:' .. ARGV[2], read)
end
return {entries, length, added, first}
""")

#: Keys: lease, stream, record. Arguments: token, group, ids. Returns how many acknowledgements there were by now, which
#: tells a Redis that came back from an older copy of its data; -1 without the lease.
ACKNOWLEDGE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for from = 3, #ARGV, 1000 do
  redis.call('XACK', KEYS[2], ARGV[2], unpack(ARGV, from, math.min(from + 999, #ARGV)))
end
return redis.call('HINCRBY', KEYS[3], 'acked:' .. ARGV[2], #ARGV - 2)
""")

#: Keys: lease, record. Arguments: token, group, the group's last id and how many entries there were up to it.
COUNTED = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], 'read:' .. ARGV[2], ARGV[3])
return 1
""")

#: Keys: stream. Arguments: first and last id of the range, most. Returns how many entries, and the last one's id.
COUNT = Script("""
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
if #found == 0 then return {0, ''} end
return {#found, found[#found][1]}
""")

#: Keys: lease, stream, record. Arguments: group, last id before its next one or "$".
#: 0: somebody reads the group. Making it anew also forgets what was pending.
SEEK = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XGROUP', 'DESTROY', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], 'read:' .. ARGV[1])
if ARGV[2] == '$' then
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[1], '$')
  redis.call('HDEL', KEYS[3], 'place:' .. ARGV[1])
else
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[1], ARGV[2])
  redis.call('HSET', KEYS[3], 'place:' .. ARGV[1], ARGV[2])
end
return 1
""")

#: Keys: lease, stream, record. Arguments: group. 0: somebody reads the group.
DROP = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XGROUP', 'DESTROY', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], 'owner:' .. ARGV[1], 'seen:' .. ARGV[1], 'place:' .. ARGV[1], 'read:' .. ARGV[1],
  'acked:' .. ARGV[1])
return 1
""")

#: Keys: stream. Arguments: most to delete, then the groups that do not count. Deletes what all others have passed: what
#: comes before the lowest pending or the last delivered entry of each. Looks and deletes in one step, so that a group
#: that was moved back a moment ago is seen. Ids are compared as text, since a number in Lua has 53 bits.
TRIM = Script("""
local function less(a, b)
  local am, as = string.match(a, '^(%d+)-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)-(%d+)$')
  if am ~= bm then
    if #am ~= #bm then return #am < #bm end
    return am < bm
  end
  if #as ~= #bs then return #as < #bs end
  return as < bs
end
local ignored = {}
for at = 2, #ARGV do ignored[ARGV[at]] = true end
local lowest = nil
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local field = {}
  for at = 1, #group, 2 do field[group[at]] = group[at + 1] end
  if not ignored[field['name']] then
    local needed = field['last-delivered-id']
    if field['pending'] > 0 then
      local first = redis.call('XPENDING', KEYS[1], field['name'])[2]
      if first and less(first, needed) then needed = first end
    end
    if lowest == nil or less(needed, lowest) then lowest = needed end
  end
end
if lowest == nil then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', lowest, 'LIMIT', ARGV[1])
""")
