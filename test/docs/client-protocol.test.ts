import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { endReasons } from '../../src/core/end-reason.ts'
import { clientMessages, errorCodes, limits } from '../../src/signalling/codec.ts'
import { closeCode, subprotocol } from '../../src/signalling/message.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/client-protocol.md'), 'utf8')
const types = readFileSync(join(root, 'src/signalling/message.ts'), 'utf8')
const serverTypes = types.slice(
  types.indexOf('export type ServerMessage'),
  types.indexOf('export type ErrorCode'),
)

/** Every field name in a schema, however deep. */
function fieldsOf(schema: z.core.$ZodType): string[] {
  const { def } = schema._zod as unknown as { def: Record<string, unknown> }
  const inner = [def.shape, def.element, def.innerType, def.options].filter(part => part !== undefined)
  return inner.flatMap(part => {
    if (part === def.shape) {
      return Object.entries(part as Record<string, z.core.$ZodType>).flatMap(([name, field]) => [
        name,
        ...fieldsOf(field),
      ])
    }
    return Array.isArray(part) ? part.flatMap(fieldsOf) : fieldsOf(part as z.core.$ZodType)
  })
}

const named = (word: string): boolean => page.includes(`\`${word}\``)

describe('the client protocol page', () => {
  it('names the subprotocol', () => expect(page).toContain(subprotocol))

  it('names every message and field of a client', () => {
    const words = Object.entries(clientMessages).flatMap(([type, schema]) => [type, ...fieldsOf(schema)])
    expect(words.length).toBeGreaterThan(60)
    expect([...new Set(words)].filter(word => word !== 'type' && !named(word))).toEqual([])
  })

  it('names every message and field of the server', () => {
    const words = [
      ...[...serverTypes.matchAll(/readonly type: '(\w+)'/g)].map(match => match[1]!),
      ...[...serverTypes.matchAll(/readonly (\w+):/g)].map(match => match[1]!),
    ]
    expect(words.length).toBeGreaterThan(60)
    expect([...new Set(words)].filter(word => word !== 'type' && !named(word))).toEqual([])
  })

  it('names every error, reason and close code', () => {
    expect(errorCodes.filter(code => !named(code))).toEqual([])
    expect(endReasons.filter(reason => !named(reason))).toEqual([])
    expect(Object.values(closeCode).filter(code => !page.includes(`| ${code} |`))).toEqual([])
  })

  it('names every limit of a frame', () => {
    const numbers = Object.values(limits).map(value => value.toLocaleString('en-US'))
    expect(numbers.filter(number => !page.includes(number))).toEqual([])
  })
})
