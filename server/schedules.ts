// What the app does on its own, as its owner.
import { defineSchedules } from 'deputyjs'
import { recomputeAnalytics } from './routers/actions/recompute-analytics.ts'

export const schedules = defineSchedules({
  recomputeNightly: {
    cron: '0 3 * * *',
    timeZone: 'Europe/Paris',
    action: recomputeAnalytics,
    input: {},
    missed: 'once',
    overlap: 'skip',
  },
})
