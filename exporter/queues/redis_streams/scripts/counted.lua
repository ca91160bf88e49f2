-- Keys: lease, record. Arguments: token, group, "<the group's last id> <how many entries were ever added up to it>".
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], 'read:' .. ARGV[2], ARGV[3])
return 1
