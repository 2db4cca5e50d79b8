import type { Failpoint, FailpointName } from '../../server/invocation/engine.ts'

/** Where a server dies: the nth time that it comes to this point from now on. */
export interface Death {
  readonly point: FailpointName
  readonly nth: number
}

/** In a process of the fault tests: kills it where its parent says. */
export function dieWhenTold(): Failpoint {
  let death: Death | undefined
  let hits = 0
  process.on('message', (message: Death) => {
    death = message
    hits = 0
    process.send?.('armed')
  })
  process.on('disconnect', () => process.exit())
  return (point) => {
    if (point !== death?.point) return
    hits += 1
    if (hits === death.nth) process.kill(process.pid, 'SIGKILL')
  }
}
