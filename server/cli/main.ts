#!/usr/bin/env node
// The command `deputy`.
import { runCommandLine } from './program.ts'

await runCommandLine(process.argv.slice(2))
