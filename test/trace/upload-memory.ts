/**
 * A process of its own, so that its memory can be measured: the web server with a tracer behind it, to which `<file>` is
 * sent by another process. Says by how much it grew from a first small capture on.
 */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { nodeListener } from '../../src/admin/listener.ts'
import { AdminHouse } from '../admin/house.ts'
import { TraceHouse } from './packets/house.ts'

const [file, small] = process.argv.slice(2) as [string, string]
const send = `
  const { request } = require('node:http')
  const [port, path, cookie, token, file] = process.argv.slice(1)
  const headers = { host: 'lanline.local', cookie, 'x-csrf-token': token }
  const sent = request({ port, host: '127.0.0.1', path, method: 'POST', headers })
  sent.on('response', async answer => console.log((await answer.toArray()).join('')))
  require('node:fs').createReadStream(file).pipe(sent)
`
let traces: TraceHouse
const house = await AdminHouse.open({
  trace: {
    ...{ file: async () => Buffer.alloc(0), pagePolicy: '', key: () => ({ publicKey: '', fingerprint: '' }) },
    capturePlan: async () => ({ state: 'ringing', caller: [], callee: [], captures: [] }),
    importCapture: (row, upload) => traces.io.importCapture(row, upload),
  },
})
traces = TraceHouse.on(house.store)
await traces.keep('direct')
const { id } = await traces.row('direct')
const owner = await house.owner()
const server = createServer(nodeListener(house.app, 'https'))
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

async function brought(path: string) {
  const where = [String(port), `/api/v1/calls/${id}/capture`, owner.cookie, owner['x-csrf-token'], path]
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', send, ...where])
  return JSON.parse(stdout)
}

// What it costs once its code is warm does not count.
await brought(small)
const before = process.memoryUsage.rss()
let peak = before
const timer = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, 10)
const { kind, file: read } = await brought(file)
clearInterval(timer)
const grown = Math.round((peak - before) / 1_000_000)
process.stdout.write(JSON.stringify({ kind, bytes: read.bytes, frames: read.frames, grownMegabytes: grown }))
server.close()
server.closeAllConnections()
await traces.close()
await house.close()
