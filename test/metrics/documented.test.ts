import { readFileSync } from 'node:fs'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { metricNames } from './exposition.ts'
import { openObservedApp } from './observed-app.ts'

const dashboard = readFileSync('docs/grafana-dashboard.json', 'utf8')
const page = readFileSync('docs/metrics.md', 'utf8')

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const { panels } = JSON.parse(dashboard) as { panels: readonly Panel[] }
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

/** The metrics that an expression names: a histogram's parts are its own. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:deputy|process|nodejs)_\w+/g)].map(([name]) =>
    name.replace(/_(?:bucket|sum|count)$/, ''),
  )
}

async function scraped(): Promise<readonly string[]> {
  await using open = await openObservedApp()
  return metricNames(await open.metrics.scrape())
}

async function ofProcess(): Promise<readonly string[]> {
  const register = new Registry()
  collectDefaultMetrics({ register })
  return metricNames(await register.metrics())
}

describe('the metrics of a scrape', () => {
  it('are each in docs/metrics.md, with their type, and are all that is there', async () => {
    await using open = await openObservedApp()
    const text = await open.metrics.scrape()
    const told = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    const documented = [...page.matchAll(/^\| `(deputy_\w+)` \| (\w+) \|/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    )
    expect(told.length).toBeGreaterThan(20)
    expect([...documented].sort()).toEqual([...told].sort())
  })

  it('have the labels that the page says', async () => {
    await using open = await openObservedApp()
    await open.metrics.scrape()
    const rows = [...page.matchAll(/^\| `(deputy_\w+)` \| \w+ \| ([^|]*)\|/gm)]
    const said = new Map(
      rows.map(([, name, labels = '']) => [name, [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label)]),
    )
    for (const { name, labels } of await open.samples())
      expect([name, Object.keys(labels).filter((label) => label !== 'le')], name).toEqual([
        name,
        said.get(name.replace(/_(?:bucket|sum|count)$/, '')),
      ])
  })

  it('are all that the dashboard and the alerts ask for', async () => {
    const known = new Set([...(await scraped()), ...(await ofProcess())])
    const wanted = [...expressions.flatMap(namesIn), ...namesIn(page)]
    expect(expressions.length).toBeGreaterThan(25)
    expect(wanted.filter((name) => !known.has(name))).toEqual([])
  })

  it('are each on the dashboard', async () => {
    const shown = new Set(expressions.flatMap(namesIn))
    expect((await scraped()).filter((name) => !shown.has(name))).toEqual([])
  })
})
