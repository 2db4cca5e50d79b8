// A process of its own, beside one that runs tests: ends what that one started, when it is gone however it went.
// Plain JavaScript, so that it is ready at once. Its orders come on stdin, a line each; the end of stdin is the end of
// the process it watches over.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const pids = new Set()
const directories = new Set()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [, sign, kind, value] = /^([+-])(pid|dir) (.*)$/.exec(line) ?? []
    const kept = kind === 'pid' ? pids : directories
    if (sign === '+') kept.add(value)
    else kept.delete(value)
  })
  .on('close', () => {
    for (const pid of pids) {
      // As a group first: what a child started goes with it.
      for (const target of [-Number(pid), Number(pid)]) {
        try {
          process.kill(target, 'SIGKILL')
        } catch {
          // It is no group, or gone.
        }
      }
    }
    for (const path of directories) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
    process.exit(0)
  })
