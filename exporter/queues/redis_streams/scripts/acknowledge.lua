-- Keys: lease, stream, record. Arguments: token, group, ids. Returns the group's acknowledgements by now, from which a
-- reader can tell a Redis that came back from an older copy of the data; -1 without the lease.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for from = 3, #ARGV, 1000 do
  redis.call('XACK', KEYS[2], ARGV[2], unpack(ARGV, from, math.min(from + 999, #ARGV)))
end
return redis.call('HINCRBY', KEYS[3], 'acked:' .. ARGV[2], #ARGV - 2)
