import { expect, it } from 'vitest'
import { readWrk } from './wrk.ts'

const OUTPUT = `Running 3s test @ http://127.0.0.1:3000/api/actions/echo
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     8.91ms    1.20ms  42.92ms   93.69%
    Req/Sec     7.20k   312.07     7.90k    86.54%
  Latency Distribution
     50%  850.00us
     75%    9.00ms
     90%   10.10ms
     99%    1.25s
  21600 requests in 3.00s, 6.76MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 4
Requests/sec:   7198.53
Transfer/sec:      2.25MB
`

it('what wrk prints is read with its units, and every failure counts', () => {
  expect(readWrk(OUTPUT)).toEqual({ callsPerSecond: 7198.53, p50Ms: 0.85, p99Ms: 1_250, failed: 7 })
})

it('what wrk does not print is no number', () => {
  expect(readWrk('')).toEqual({
    callsPerSecond: Number.NaN,
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
    failed: 0,
  })
})
