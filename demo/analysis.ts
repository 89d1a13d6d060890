/**
 * Pages whose figures are the outputs of commands: a code block that begins with `$ ` holds a command, to be run in
 * docs/demo, and below it what it printed. test/docs/demo.test.ts runs them all again.
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const docs = fileURLToPath(new URL('../docs/', import.meta.url))

export const folder = join(docs, 'demo')
export const pages: readonly string[] = [join(folder, 'README.md'), join(docs, 'protocols.md')]

const blocks = /^```\n\$ (.+)\n([\s\S]*?)```$/gm

export const commandsOf = (page: string): readonly { readonly command: string; readonly output: string }[] =>
  [...readFileSync(page, 'utf8').matchAll(blocks)].map(([, command, output]) => ({
    command: command!,
    output: output!.trimEnd(),
  }))

/** Puts what the commands print now below them. */
export async function refresh(page: string): Promise<void> {
  const outputs: string[] = []
  for (const { command } of commandsOf(page)) outputs.push(await outputOf(command))
  const text = readFileSync(page, 'utf8')
  let next = 0
  writeFileSync(
    page,
    text.replace(blocks, (_, command: string) => `\`\`\`\n$ ${command}\n${outputs[next++]}\n\`\`\``),
  )
}

export async function outputOf(command: string): Promise<string> {
  const { stdout } = await execute('bash', ['-c', command], { cwd: folder, maxBuffer: 16 * 1024 * 1024 })
  return stdout.trimEnd()
}
