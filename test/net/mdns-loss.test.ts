/** Finding the appliance where the network loses much of what is sent to all, as wireless ones do. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Daemon } from './daemon.ts'
import { Lan, must } from './lan.ts'
import { describeWith } from './peers.ts'

const program = fileURLToPath(new URL('./discover-once.ts', import.meta.url))
const isSoak = process.env.LANLINE_SOAK !== undefined
const tries = isSoak ? 100 : 20
const atOnce = 10

describeWith(['namespaces', 'nft'], 'where three of ten packets to all are lost', () => {
  let lan: Lan

  beforeAll(async () => {
    lan = await Lan.create({ hosts: ['pi', 'app'], ipv6: true, names: { 'lanline.local': 'pi' } })
    await new Daemon(lan.host('pi')).start()
    const rule = 'random mod 100 < 30 drop'
    const table = `table inet loss {
      chain in { type filter hook input priority 0
        ip daddr 224.0.0.251 numgen ${rule}
        ip6 daddr ff02::fb numgen ${rule}
      }
    }`
    for (const name of ['pi', 'app']) await must(lan.host(name).exec('nft', ['-f', '-'], table))
  })
  afterAll(() => lan?.remove())

  it(`an appliance is found within 5 s, ${tries} times`, async () => {
    const times: (number | undefined)[] = []
    while (times.length < tries) {
      times.push(
        ...(await Promise.all(Array.from({ length: Math.min(atOnce, tries - times.length) }, findOnce))),
      )
    }
    const found = times.filter(time => time !== undefined && time < 5_000).length
    const worst = Math.round(Math.max(...times.map(time => time ?? Number.POSITIVE_INFINITY)))
    console.info(`found ${found} of ${tries}, the slowest in ${worst} ms`)
    expect(found).toBeGreaterThanOrEqual(isSoak ? 99 : tries)
  }, 120_000)

  /** Milliseconds it took; undefined when it was not found. */
  function findOnce(): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const host = lan.host('app')
      execFile('ip', host.argv(process.execPath, [program]), (error, stdout) => {
        if (error) reject(error)
        else resolve((JSON.parse(stdout) as { milliseconds?: number }).milliseconds)
      })
    })
  }
})
