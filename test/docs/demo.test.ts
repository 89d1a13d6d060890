import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandsOf, outputOf, pages } from '../../demo/analysis.ts'
import { describeWith } from '../net/peers.ts'

const blocks = pages.flatMap(page => commandsOf(page).map(block => ({ page: basename(page), ...block })))

describe('the pages about the recorded calls', () => {
  it('have commands with their outputs', () => expect(blocks.length).toBeGreaterThan(20))
})

describeWith(['tshark'], 'a figure about the recorded calls is what its command prints', () => {
  it.each(blocks)('$page: $command', async ({ command, output }) => {
    expect(await outputOf(command)).toBe(output)
  })
})
