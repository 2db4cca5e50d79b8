import { spawnSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { serverVersion } from './database.ts'

/** Where and of what a table was measured. */
export interface Machine {
  readonly date: string
  readonly commit: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly node: string
  readonly postgresql: string
}

export async function describeMachine(adminUrl: string): Promise<Machine> {
  const git = (...args: readonly string[]) => spawnSync('git', args, { encoding: 'utf8' }).stdout.trim()
  const isChanged = git('status', '--porcelain') !== ''
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    postgresql: await serverVersion(adminUrl),
  }
}
