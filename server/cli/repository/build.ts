// `npm run build -- [DIRECTORY]` compiles the engine and the app of this repository. @default dist/
import { join, resolve } from 'node:path'
import { buildFrontEnd, hasFrontEnd } from '../front-end.ts'
import { buildConsole } from './build-console.ts'
import { compile, ROOT } from './compile.ts'

const out = resolve(ROOT, process.argv[2] ?? 'dist')
await compile(out)
await buildConsole(ROOT, join(out, 'console'))
const isWithFrontEnd = hasFrontEnd(ROOT)
if (isWithFrontEnd) await buildFrontEnd(ROOT, join(out, 'web'))
console.log(`Built ${out}: server, client, console${isWithFrontEnd ? ', front end' : ''} and migrations`)
