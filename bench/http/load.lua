-- The load of `npm run bench -- --http`, as wrk runs it: each request of a file once, or the file again and
-- again until enough are sent. wrk itself only knows how to go on for a time.
--
-- Arguments: the file (whole requests, a NUL byte between them), how many to send, on how many connections,
-- and the number of the clock that tells the server's processor time. There is one thread: the server needs
-- the other cores. A line on the standard error output tells when the last answer is there; a line of JSON
-- on the standard output has the figures.
local ffi = require('ffi')

ffi.cdef([[
  typedef struct { long seconds; long nanoseconds; } moment;
  int clock_gettime(int clock, moment *now);
]])

local MONOTONIC = jit.os == 'OSX' and 6 or 1
local moment = ffi.new('moment')

-- Nothing where the system has no such clock.
local function seconds(clock)
  if ffi.C.clock_gettime(clock, moment) ~= 0 then
    return nil
  end
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local thread

function setup(started)
  thread = started
end

local requests = {}
local total, connections, server
local sent, idle = 0, 0
local checked = false

function init(arguments)
  local file = assert(io.open(arguments[1], 'rb'))
  -- Made before anything is sent: sending one is then a look into a table.
  for request in file:read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = request
  end
  file:close()
  total, connections, server = tonumber(arguments[2]), tonumber(arguments[3]), tonumber(arguments[4])
end

-- Called when a connection can send: at first, and whenever its answer has come. Without a function
-- `response`, wrk does not hand answers to Lua, and counts the errors among them itself.
function request()
  -- The first request is looked at and not sent.
  if not checked then
    checked = true
    return requests[1]
  end
  if sent == 0 then
    begun, begun_busy, begun_server = seconds(MONOTONIC), os.clock(), seconds(server)
  end
  if sent < total then
    sent = sent + 1
    return requests[(sent - 1) % #requests + 1]
  end
  -- Nothing is left for this connection. When that is so for all of them, all answers have come.
  idle = idle + 1
  if idle == connections then
    ended, ended_busy, ended_server = seconds(MONOTONIC), os.clock(), seconds(server)
    io.stderr:write('all answered\n')
    wrk.thread:stop()
  end
  -- No bytes, so no answer: the connection stays as it is.
  return ''
end

function done(summary, latency)
  local counts = {}
  for i = 1, #latency do
    counts[i] = string.format('[%d,%d]', latency(i))
  end
  -- What the thread has kept; nothing where it did not come to its end.
  local from = function(name)
    local first, last = thread:get('begun' .. name), thread:get('ended' .. name)
    return first and last and string.format('%.9f', last - first) or 'null'
  end
  local errors = summary.errors
  print(string.format(
    '{"answered":%d,"seconds":%s,"busy":%s,"server":%s,"microseconds":%.0f,'
      .. '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d},"latencies":[%s]}',
    summary.requests, from(''), from('_busy'), from('_server'), summary.duration,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout, table.concat(counts, ',')
  ))
end
