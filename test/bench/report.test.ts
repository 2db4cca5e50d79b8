import { describe, expect, it } from 'vitest'
import { formatReport, type Report } from './report.ts'
import type { LaneResult } from './run-work.ts'

const lane = (name: string, callsPerSecond: number, failed: Record<string, number> = {}): LaneResult => ({
  lane: name,
  rounds: [
    {
      callsPerSecond,
      p50Ms: 1.25,
      p99Ms: 30,
      calls: 900,
      failed,
      seconds: 3,
      serverCpuSeconds: 1,
      databaseCpuSeconds: 1,
      loadCpuSeconds: 1,
      serverMb: 120,
      wrong: [],
    },
  ],
  median: {
    callsPerSecond,
    p50Ms: 1.25,
    p99Ms: 30,
    serverCpuMs: 0.5,
    databaseCpuMs: Number.NaN,
    loadCores: 0.3,
    serverMb: 120,
  },
})
const REPORT: Report = {
  machine: {
    date: '2026-11-25',
    commit: 'abc1234',
    cpu: 'a CPU',
    cores: 2,
    memoryGb: 24,
    node: 'v20.19.0',
    postgresql: '15.20',
  },
  works: [
    {
      name: 'create',
      title: 'createEvent',
      lanes: [lane('deputy @64', 1234.4), lane('baseline @64', 1_000, { 503: 3, lost: 1 })],
      ratios: [
        { of: 'deputy @64', to: 'baseline @64', goal: 1, value: 1.2344 },
        { of: 'deputy @64', to: 'deputy @1', goal: 1.5, value: 1.1 },
        { of: 'baseline @64', to: 'baseline @1', goal: undefined, value: 0.5 },
      ],
      problems: ['deputy @64, round 1: events grew by 1 instead of 2'],
    },
  ],
  wrk: [{ lane: 'deputy @64', callsPerSecond: 7_198.5, p50Ms: 8.1, p99Ms: 12, failed: 2 }],
  floor: [{ work: 'createEvent', connections: 16, callsPerSecond: 2_345.6 }],
  figures: [
    { name: 'memory', title: 'Memory', value: 221, unit: 'MB', atMost: 220 },
    { name: 'size', title: 'Size', value: 81.26, unit: 'MB' },
  ],
}

describe('the report', () => {
  const text = formatReport(REPORT)

  it('begins with the machine', () => {
    expect(text).toMatch(
      /^2026-11-25, commit abc1234, a CPU, 2 cores, 24 GB, Node v20.19.0, PostgreSQL 15.20\n/,
    )
  })

  it('has a line for each lane, with its failed calls', () => {
    expect(text).toMatch(/^deputy @64 +1234 +1\.25 +30\.0 +0\.50 +– +0\.30 +120 +0$/m)
    expect(text).toMatch(/^baseline @64 +1000 .* 4$/m)
  })

  it('says of each ratio whether it reaches its goal', () => {
    expect(text).toContain('deputy @64 / baseline @64 = 1.23, reaches 1\n')
    expect(text).toContain('deputy @64 / deputy @1 = 1.10, is below 1.5\n')
    expect(text).toContain('baseline @64 / baseline @1 = 0.50\n')
  })

  it('names what was wrong', () => {
    expect(text).toContain('WRONG: deputy @64, round 1: events grew by 1 instead of 2')
  })

  it('shows what wrk measured', () => {
    expect(text).toMatch(/^echo over REST, by wrk\n.*\ndeputy @64 +7199 +8\.10 +12\.0 +2$/m)
  })

  it('ends with the floor and the figures', () => {
    expect(text).toMatch(/createEvent @16 +2346\n\nMemory +221 MB +above 220\nSize +81\.3 MB\n$/)
  })
})
