/**
 * Who comes to an appliance over the network, as one JSON line on stdout. `visitor.ts find SECONDS` says what mDNS finds;
 * `visitor.ts claim ADDRESS PORT` takes the appliance as an owner does, without a code; `visitor.ts setup ADDRESS PORT` asks for its state.
 */
import { once } from 'node:events'
import { request } from 'node:https'
import { discover } from '../../client/node.ts'

const [word, address, port] = process.argv.slice(2)
const owner = { displayName: 'Olga', place: 'Test', password: 'a-house-of-many-rooms', showNames: true }

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const sent = request({
    ...{ host: address, port: Number(port), method, path: `/api/v1${path}`, agent: false },
    ...{ rejectUnauthorized: false, timeout: 10_000, headers: { 'content-type': 'application/json' } },
  })
  sent.on('timeout', () => sent.destroy(new Error('no answer')))
  sent.end(body && JSON.stringify(body))
  const [answer] = await once(sent, 'response')
  let text = ''
  for await (const chunk of answer) text += chunk
  return { status: answer.statusCode, body: JSON.parse(text) }
}

const told =
  word === 'find'
    ? await discover({ timeoutMilliseconds: Number(address) * 1_000, enough: 1 })
    : word === 'claim'
      ? await ask('POST', '/setup', owner)
      : await ask('GET', '/setup')
process.stdout.write(`${JSON.stringify(told)}\n`)
process.exit()
