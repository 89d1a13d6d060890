/** docs/api.md lists every operation. With LANLINE_WRITE_DOCS=1 its table is written anew. */
import { readFileSync, writeFileSync } from 'node:fs'
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
