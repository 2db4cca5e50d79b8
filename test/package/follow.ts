import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Step } from '../support/page-steps.ts'

/** Does in a folder what a page says. @param run runs commands there */
export async function follow(
  steps: readonly Step[],
  folder: string,
  run: (commands: string) => Promise<unknown>,
): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'run') await run(step.commands)
    if (step.kind === 'write') await place(join(folder, step.file), step.text)
    if (step.kind === 'change') await change(join(folder, step.file), step)
  }
}

async function place(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

async function change(file: string, { before, after }: { before: string; after: string }): Promise<void> {
  const text = await readFile(file, 'utf8')
  const found = text.split(before).length - 1
  if (found !== 1)
    throw new Error(`${file} has these lines ${found} times, where the page changes them:\n${before}`)
  await writeFile(
    file,
    text.replace(before, () => after),
  )
}
