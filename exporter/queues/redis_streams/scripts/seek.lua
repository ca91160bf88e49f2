-- Keys: lease, stream, record. Arguments: group, last id before its next one or "$".
-- 0: somebody reads the group. Making it anew also forgets what was pending.
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
