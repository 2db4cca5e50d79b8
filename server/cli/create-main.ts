#!/usr/bin/env node
// `npm create deputyjs DIRECTORY`: what `deputy create DIRECTORY` does.
import { Command } from 'commander'
import { describeCreate } from './create.ts'
import { CreateError } from './create-app.ts'

try {
  await describeCreate(new Command('create-deputyjs')).parseAsync()
} catch (error) {
  if (!(error instanceof CreateError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
