import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Observer } from '../core/observer.ts'
import type { Engine } from '../invocation/engine.ts'
import { createCallMetrics } from './call-metrics.ts'
import { createQueueFigures, type Figures } from './queue-figures.ts'
import { addQueueMetrics } from './queue-metrics.ts'
import { addServerMetrics } from './server-metrics.ts'
import { addWorkMetrics } from './work-metrics.ts'

/** What names labels may have: an app's own, which are known once it is made. */
export interface LabelNames {
  /** As the log names them: `createEvent`, `records.events.list`. */
  readonly actions: Iterable<string>
  readonly integrations: Iterable<string>
}

export interface MetricsOptions {
  /** Whether it counts what belongs to the whole process: CPU, heap, the event loop. @default false */
  readonly isForProcess?: boolean
}

/** The metrics of one app. */
export interface Metrics {
  /** Given to the app, which tells it what happens. */
  readonly observer: Observer
  /**
   * Watches an app that was made; before that, names are not known and there is nothing to look at.
   *
   * @param streams counts the streams that are open. @default there are none
   */
  watch(
    engine: Engine,
    names: LabelNames,
    readFigures?: () => Promise<Figures | undefined>,
    streams?: () => number,
  ): void
  /** Writes all metrics in the text format of Prometheus (0.0.4). */
  scrape(): Promise<string>
}

/** Creates the metrics of one app, with a registry of its own. Nothing is listened to. */
export function createMetrics({ isForProcess = false }: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const calls = createCallMetrics(registers)
  const work = addWorkMetrics(registers)
  if (isForProcess) collectDefaultMetrics({ register: registry })
  let scraping: Promise<string> | undefined
  return {
    observer: { ...calls.observer, ...work.observer },
    watch(engine, names, readFigures = createQueueFigures(engine), streams = () => 0) {
      calls.know(names.actions)
      work.know(names.integrations)
      addServerMetrics(registers, engine, streams)
      addQueueMetrics(registers, engine, readFigures)
    },
    // Those who ask meanwhile get the same.
    scrape() {
      scraping ??= registry.metrics().finally(() => {
        scraping = undefined
      })
      return scraping
    },
  }
}
