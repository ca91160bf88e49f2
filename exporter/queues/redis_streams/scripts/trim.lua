-- Keys: stream. Arguments: most to delete, then the groups that do not count. Deletes entries that all others have passed:
-- entries before the lowest pending or the last delivered entry of each. Looks and deletes in one step, so that a group
-- that was moved back a moment ago is seen. Ids are compared as text, since a number in Lua has 53 bits.
local function less(a, b)
  local am, as = string.match(a, '^(%d+)-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)-(%d+)$')
  if am ~= bm then
    if #am ~= #bm then return #am < #bm end
    return am < bm
  end
  if #as ~= #bs then return #as < #bs end
  return as < bs
end
local ignored = {}
for at = 2, #ARGV do ignored[ARGV[at]] = true end
local lowest = nil
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local field = {}
  for at = 1, #group, 2 do field[group[at]] = group[at + 1] end
  if not ignored[field['name']] then
    local needed = field['last-delivered-id']
    if field['pending'] > 0 then
      local first = redis.call('XPENDING', KEYS[1], field['name'])[2]
      if first and less(first, needed) then needed = first end
    end
    if lowest == nil or less(needed, lowest) then lowest = needed end
  end
end
if lowest == nil then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', lowest, 'LIMIT', ARGV[1])
