// `npm run build -- [DIRECTORY]` compiles the engine and the app of this repository. @default dist/
import { resolve } from 'node:path'
import { compile, ROOT } from './compile.ts'

const out = resolve(ROOT, process.argv[2] ?? 'dist')
await compile(out)
console.log(`Built ${out}: server, client and migrations`)
