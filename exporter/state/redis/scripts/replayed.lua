-- Arguments: prefix, destination, id, 1 if its replay was excluded, how many excluded ids are kept.
-- Returns letters and bytes of the destination.
if forget(ARGV[3]) > 0 and ARGV[4] == '1' then remember('excluded', {ARGV[3]}, ARGV[5]) end
local count, bytes = totals(ARGV[2])
return {whole(count), whole(bytes)}
