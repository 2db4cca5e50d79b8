// The app's: the registry. An action's name here is its name on every transport.
import { actionRegistry } from 'deputyjs'
import { cancelEvent } from './cancel-event.ts'
import { createEvent } from './create-event.ts'
import { inviteAttendee } from './invite-attendee.ts'
import { listAttendees } from './list-attendees.ts'
import { recomputeAnalytics } from './recompute-analytics.ts'
import { registerProfile } from './register-profile.ts'
import { remindAttendees } from './remind-attendees.ts'
import { summarizeEvent } from './summarize-event.ts'
import { syncProfile } from './sync-profile.ts'
import { translateTitle } from './translate-title.ts'

export const actions = actionRegistry({
  cancelEvent,
  createEvent,
  inviteAttendee,
  listAttendees,
  recomputeAnalytics,
  registerProfile,
  remindAttendees,
  summarizeEvent,
  syncProfile,
  translateTitle,
})
