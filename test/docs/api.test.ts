/** docs/api.md lists every operation and every error. With LANLINE_WRITE_DOCS=1 the table of operations is written anew. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AdminHouse } from '../admin/house.ts'
import { whoMay } from '../admin/who-may.ts'

const page = join(import.meta.dirname, '../../docs/api.md')
const heading = '| operation | who | |\n| --- | --- | --- |\n'

it('docs/api.md lists every operation, whom it is for and what it does', async () => {
  const house = await AdminHouse.open()
  const { body } = await house.api('GET', '/openapi.json')
  await house.close()
  const { paths } = body as { paths: Record<string, Record<string, { summary: string }>> }
  const lines = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => {
      const operation = `${method.toUpperCase()} ${path}`
      return `| \`${operation}\` | ${whoMay[operation]} | ${summary.replaceAll('|', '\\|')} |`
    }),
  )
  const table = `${heading}${lines.join('\n')}\n`
  const text = readFileSync(page, 'utf8')
  if (process.env.LANLINE_WRITE_DOCS) writeFileSync(page, `${text.split(heading)[0]}${table}`)
  else expect(text.slice(text.indexOf(heading))).toBe(table)
})

it('docs/api.md names every error beside the status it comes with', () => {
  const folder = join(import.meta.dirname, '../../src/admin')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ts'),
  )
  const source = files.map(name => readFileSync(join(folder, name), 'utf8')).join('\n')
  const thrown = [...source.matchAll(/(?:HttpError|refuse)\(\s*(\d{3}),\s*'(\w+)'/g)].map(found =>
    found.slice(1),
  )
  const tables = [...source.matchAll(/const statusOf\w*: [^=]*= \{([\s\S]*?)\n\}/g)].flatMap(([, body]) =>
    [...body!.matchAll(/(\w+): (\d{3})/g)].map(([, code, status]) => [status, code]),
  )
  expect(thrown.length).toBeGreaterThan(40)
  expect(tables.length).toBeGreaterThan(25)
  const rows = new Map(
    [...readFileSync(page, 'utf8').matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].map(row => [row[1], row[2]]),
  )
  const missing = [...thrown, ...tables].filter(
    ([status, code]) => !rows.get(status)?.includes(`\`${code}\``),
  )
  expect(missing).toEqual([])
})
