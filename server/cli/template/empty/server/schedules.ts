// What the app does on its own, as its owner.
import { defineSchedules } from 'deputyjs'

export const schedules = defineSchedules({})
