-- What wrk posts: events of about 500 bytes, each of an alert of its own.
local thread = 0
function setup(it)
  it:set("id", thread)
  thread = thread + 1
end

local before, after = [[{"routing_key":"0123456789abcdef0123456789abcdef","event_action":"trigger","dedup_key":"]],
  [[","payload":{"summary":"checkout: 37 errors in 3 min","source":"shop-1.example.com","severity":"error","component":"checkout","group":"shop","class":"errors","custom_details":{"first":"TypeError: Cannot read properties of undefined (reading 'id')","request":"5f0f9a62-1d72-454f-963f-52fdfc072182","log_group":"/aws/lambda/checkout","count":37}},"client":"bench","client_url":"https://example.com/checkout"}]]
local count = 0
-- Another path is answered without reading what was posted or asking the queue.
local path = os.getenv("POST_PATH") or "/v2/enqueue"
local headers = { ["Content-Type"] = "application/json" }

function init()
  start = os.time()
end

function request()
  count = count + 1
  return wrk.format("POST", path, headers, before .. id .. "-" .. start .. "-" .. count .. after)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(99), errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
