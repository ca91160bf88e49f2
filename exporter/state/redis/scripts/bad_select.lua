-- Goes through bad records in the order of ids, or the newest first, and shows, counts or purges the letters that are
-- meant. Arguments: prefix, what to do, "oldest" or "newest" first, id to begin beyond or "", most to look at, most to
-- find, source or "", "=" and flow or "", reason or "", since or "", until or "", dataset or "", taken since or "", taken
-- until or "", how many identities, the identities, "all" or "these", and then names.
-- Returns the last id looked at, 1 at the end of all letters, and then for "page" ids and fields, for "names" ids and
-- names of what is no refused element, for "count" and "purge" only how many.
local doing, newest, beyond = ARGV[2], ARGV[3] == 'newest', ARGV[4]
local most, limit, source, flow, reason = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
local since, till, dataset = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12]
local taken_since, taken_till, many = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local identities = {}
for at = 16, 15 + many do identities[ARGV[at]] = true end
local function meant(id)
  local at = redis.call('HMGET', bad(id), 'source', 'flow', 'reason', 'kept', 'identity', 'dataset', 'taken')
  return at[1] and (source == '' or at[1] == source) and (flow == '' or '=' .. at[2] == flow)
    and (reason == '' or at[3] == reason) and (not since or tonumber(at[4]) >= since)
    and (not till or tonumber(at[4]) < till) and (many == 0 or (at[5] and identities[at[5]]))
    and (dataset == '' or at[6] == dataset) and (not taken_since or tonumber(at[7]) >= taken_since)
    and (not taken_till or tonumber(at[7]) < taken_till)
    and (doing ~= 'names' or at[3] ~= REFUSED)
end
local ids = {}
if ARGV[16 + many] == 'these' then
  for at = 17 + many, #ARGV do
    ids[#ids + 1] = redis.call('HGET', P .. 'bad-names', ARGV[at]) or nil
  end
else
  local first = beyond == '' and '-inf' or '(' .. (newest and '-' or '') .. beyond
  local all = P .. (newest and 'bad-newest' or 'bad-ids')
  ids = redis.call('ZRANGEBYSCORE', all, first, '+inf', 'LIMIT', 0, most)
end
local found, reached, ended = {}, beyond, #ids < most and 1 or 0
for _, id in ipairs(ids) do
  if #found >= limit then ended = 0; break end
  reached = id
  if meant(id) then found[#found + 1] = id end
end
if doing == 'page' or doing == 'names' then
  local shown = {}
  for _, id in ipairs(found) do
    if doing == 'names' then
      shown[#shown + 1] = {id, redis.call('HGET', bad(id), 'name')}
    else
      shown[#shown + 1] = {id, redis.call('HMGET', bad(id), 'name', 'inlet', 'source', 'flow', 'dataset', 'reason',
        'detail', 'taken', 'kept')}
    end
  end
  return {reached, ended, shown}
end
if doing == 'purge' then
  for _, id in ipairs(found) do bad_forget(id) end
end
return {reached, ended, #found}
