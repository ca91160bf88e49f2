-- Arguments: prefix, names. Deletes letters by name; returns how many were there.
local deleted = 0
for at = 2, #ARGV do
  local id = redis.call('HGET', P .. 'bad-names', ARGV[at])
  if id then deleted = deleted + bad_forget(id) end
end
return deleted
