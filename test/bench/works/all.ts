import type { WorkDefinition } from '../work.ts'
import { echoCors, echoRest, echoTrpc, trpcBatch } from './echo.ts'
import { growth } from './growth.ts'
import { integrationCall, slowProvider } from './integrations.ts'
import { besideJobs, laterJob } from './jobs.ts'
import { limits } from './limits.ts'
import { hotEventBehindPooler, inviteBehindPooler } from './poolers.ts'
import { listAttendees, listRecords } from './reads.ts'
import { seeing } from './seeing.ts'
import { severalServers } from './several-servers.ts'
import { createEvent, hotEvent, inviteAttendee, keyedCreate, keyedInvite } from './writes.ts'

/** In the order in which they are measured. */
export const WORKS: readonly WorkDefinition[] = [
  echoRest,
  echoCors,
  echoTrpc,
  trpcBatch,
  limits,
  seeing,
  createEvent,
  inviteAttendee,
  keyedCreate,
  keyedInvite,
  hotEvent,
  listAttendees,
  listRecords,
  integrationCall,
  slowProvider,
  laterJob,
  besideJobs,
  growth,
  severalServers,
  inviteBehindPooler,
  hotEventBehindPooler,
]
