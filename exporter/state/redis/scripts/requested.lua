-- Arguments: prefix, destination, most, how many lanes, the lanes, and ids to leave out. Returns whole letters, each
-- as the id and the fields and values of the hash.
local destination, most, lanes = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local but = {}
for at = 5 + lanes, #ARGV do but[ARGV[at]] = true end
local page = most + #ARGV - 4 - lanes
local found = {}
for at = 5, 4 + lanes do
  local lane = ARGV[at]
  local waiting = redis.call('ZRANGEBYLEX', P .. 'asked:' .. destination, '[' .. lane .. '\0', '(' .. lane .. '\1',
    'LIMIT', 0, page)
  for _, member in ipairs(waiting) do
    local id = string.match(member, '%d+$')
    if #found >= most then return found end
    if not but[id] and string.sub(member, 1, #member - #id - 22) == lane then
      local all = redis.call('HGETALL', letter(id))
      if #all > 0 then found[#found + 1] = {id, all} end
    end
  end
end
return found
