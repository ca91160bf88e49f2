-- Keys: lease, stream, record. Arguments: group, the id after which the group goes on, or "$" for the end.
-- Returns 0 while the group is read, 1 otherwise. Creating the group anew also forgets pending entries.
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
