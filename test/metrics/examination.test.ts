import { expect, it } from 'vitest'
import { type Finding, ok } from '../../server/core/finding.ts'
import { createExamination } from '../../server/metrics/examination.ts'

const FINE = ok('database', 'PostgreSQL 15')

function examinationOf(
  examine: () => AsyncIterable<Finding>,
  options: { readonly patienceMs?: number } = {},
) {
  let nowMs = 0
  const read = createExamination(examine, { clock: () => new Date(nowMs), goodForMs: 1_000, ...options })
  return { read, pass: (ms: number) => (nowMs += ms) }
}

it('looks again when what was found is old', async () => {
  let looks = 0
  const { read, pass } = examinationOf(async function* () {
    looks += 1
    yield FINE
  })
  const first = read()
  expect(read()).toBe(first)
  expect(await first).toEqual({ at: new Date(0), findings: [FINE] })
  pass(999)
  expect(read()).toBe(first)
  pass(1)
  expect(await read()).toEqual({ at: new Date(1_000), findings: [FINE] })
  expect(looks).toBe(2)
})

it('tells what it found in time, and that the rest is not known', async () => {
  const { read } = examinationOf(
    async function* () {
      yield FINE
      await new Promise(() => {})
    },
    { patienceMs: 10 },
  )
  const { findings } = await read()
  expect(findings).toEqual([
    FINE,
    { level: 'problem', subject: 'doctor', text: 'the rest was not looked at within 0.01 seconds' },
  ])
})

it('keeps no failure', async () => {
  let isBroken = true
  const { read } = examinationOf(async function* () {
    if (isBroken) throw new Error('broken')
    yield FINE
  })
  await expect(read()).rejects.toThrow('broken')
  isBroken = false
  expect((await read()).findings).toEqual([FINE])
})
