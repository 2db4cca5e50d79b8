import { run } from 'deputyjs'

await run(() => import('./app.ts'))
