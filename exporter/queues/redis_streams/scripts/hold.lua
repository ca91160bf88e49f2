-- Keys: lease, record. Arguments: token, lease in ms, group, settled-to id or "".
-- Returns the value of ``Held``, and how many acknowledgements of the group Redis knows of.
-- 0: another token holds the lease. 1: held now, and last held by another token. 2: held now, as last time or
-- for the first time.
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
