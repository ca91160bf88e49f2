-- Goes through letters in the order of ids, and shows, counts, purges or asks for the letters that are meant.
-- Arguments: prefix, what to do, id to begin after, most to look at, most to find, destination or "", reason or "",
-- "" or "+" and the profile, since or "", until or "", superseded "0", "1" or "", how many purged
-- ids are kept, "all" or "these", and then the ids.
-- Returns the last id looked at, 1 at the end of all letters, and then for "page" ids and fields, for "count" and
-- "purge" only how many, for "ask" and "ask superseded" the ids.
local doing, after, most, limit, destination = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local since, till = tonumber(ARGV[9]), tonumber(ARGV[10])
local function meant(id)
  local at = redis.call('HMGET', letter(id), 'destination', 'reason', 'profile', 'at', 'superseded')
  return at[1] and (destination == '' or at[1] == destination) and (ARGV[7] == '' or at[2] == ARGV[7])
    and (ARGV[8] == '' or (at[3] and '+' .. at[3] == ARGV[8])) and (not since or tonumber(at[4]) >= since)
    and (not till or tonumber(at[4]) < till) and (ARGV[11] == '' or at[5] == ARGV[11])
end
local ids = {}
if ARGV[13] == 'these' then
  for at = 14, #ARGV do ids[#ids + 1] = ARGV[at] end
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
  local waited = {}
  for _, id in ipairs(found) do
    if redis.call('HGET', letter(id), 'replay') ~= 'none' then waited[#waited + 1] = id end
    forget(id)
  end
  remember('purged', waited, ARGV[12])
  return {reached, ended, #found}
end
for _, id in ipairs(found) do
  local at = redis.call('HMGET', letter(id), 'destination', 'lane', 'position', 'replay')
  local wanted = 'asked'
  if doing == 'ask superseded' or at[4] == 'asked_superseded' then wanted = 'asked_superseded' end
  set_replay(id, at[1], at[2], at[3], at[4], wanted)
end
return {reached, ended, found}
