-- Keys: lease, stream, record. Arguments: group. Returns 0 while the group is read, 1 otherwise.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XGROUP', 'DESTROY', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], 'owner:' .. ARGV[1], 'seen:' .. ARGV[1], 'place:' .. ARGV[1], 'read:' .. ARGV[1],
  'acked:' .. ARGV[1])
return 1
