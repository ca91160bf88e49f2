-- Keys: lease, stream, record. Arguments: token, group, consumer, most, the id to read after in the pending list or
-- ">", how many entries the group has passed so far. Returns nil without the lease; else the entries, and length,
-- entries-added and first id of the stream. Redis's own entries-read does not survive a restart or a failover, so the
-- count is kept in the record.
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
