/**
 * `scripts/bench sip`: CPU per authenticated registration and per authenticated call, beside Kamailio's in the same run;
 * with `--bare` beside what Node alone costs; with `--profile`, where the time goes. `trace`: what tracing adds to a call.
 * `history`: what the console waits for when many calls are kept. `machine`: the SIP machine without sockets. `codec`:
 * nanoseconds per decode and encode. `relay`: CPU, latency and highest rate of the relay, beside coturn's in the same run.
 * `pages`: how soon either page can be used at its first visit. `writes`: bytes written to the card.
 */
import { parseArgs } from 'node:util'
import { benchCodec } from './codec.ts'
import { benchExports } from './exports.ts'
import { benchHistory } from './history.ts'
import { runAgainWithLoss } from './loss.ts'
import { benchMachine } from './machine.ts'
import { benchPages } from './pages.ts'
import { benchRelay } from './relay.ts'
import { benchSip } from './sip.ts'
import { benchTrace } from './trace.ts'
import { benchWrites } from './writes.ts'

const usage = `usage: scripts/bench sip [--rounds N] [--seconds N] [--registrations PER_SECOND] [--calls PER_SECOND]
                        [--only lanline|kamailio] [--bare] [--loss PERCENT] [--profile] [--json]
       scripts/bench relay [--rounds N] [--seconds N] [--searches N] [--rates PER_SECOND,...] [--between peers|relays]
                        [--burst N] [--only lanline|coturn] [--profile] [--json]
       scripts/bench trace [--rounds N] [--seconds N] [--calls PER_SECOND] [--profile] [--json]
       scripts/bench history [--count CALLS] [--rounds N] [--json]
       scripts/bench machine [--json]
       scripts/bench codec [--json]
       scripts/bench exports [--rounds N] [--json]
       scripts/bench pages [--rounds N] [--json]
       scripts/bench writes [--seconds N] [--json]
`

const read = () =>
  parseArgs({
    allowPositionals: true,
    strict: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      registrations: { type: 'string', default: '1000' },
      calls: { type: 'string' },
      searches: { type: 'string', default: '3' },
      rates: { type: 'string', default: '20000,50000,100000' },
      burst: { type: 'string', default: '64' },
      count: { type: 'string', default: '100000' },
      between: { type: 'string', default: 'peers' },
      only: { type: 'string' },
      bare: { type: 'boolean', default: false },
      loss: { type: 'string' },
      profile: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })

function asked(): ReturnType<typeof read> {
  try {
    return read()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}

const { positionals, values } = asked()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}

switch (positionals[0]) {
  case 'pages':
    await benchPages({ rounds: Number(values.rounds ?? 5), json: values.json })
    break
  case 'sip':
    if (values.loss !== undefined) {
      const { loss, ...rest } = values
      const options = Object.entries(rest).flatMap(([name, value]) =>
        value === true ? [`--${name}`] : typeof value === 'string' ? [`--${name}`, value] : [],
      )
      runAgainWithLoss(Number(loss), ['sip', ...options])
      break
    }
    await benchSip({
      rounds: Number(values.rounds ?? 3),
      seconds: Number(values.seconds ?? 10),
      registrationsPerSecond: Number(values.registrations),
      callsPerSecond: Number(values.calls ?? 200),
      only: values.only,
      bare: values.bare,
      profile: values.profile,
      json: values.json,
    })
    break
  case 'trace':
    await benchTrace({
      rounds: Number(values.rounds ?? 20),
      seconds: Number(values.seconds ?? 3),
      // Each is traced for 20 s after its end, and 2,000 at a time.
      callsPerSecond: Number(values.calls ?? 80),
      profile: values.profile,
      json: values.json,
    })
    break
  case 'history':
    await benchHistory({
      calls: Number(values.count),
      rounds: Number(values.rounds ?? 15),
      json: values.json,
    })
    break
  case 'relay':
    await benchRelay({
      rounds: Number(values.rounds ?? 5),
      seconds: Number(values.seconds ?? 2),
      searches: Number(values.searches),
      rates: values.rates.split(',').map(Number),
      burst: Number(values.burst),
      between: values.between === 'relays' ? 'relays' : 'peers',
      only: values.only,
      profile: values.profile,
      json: values.json,
    })
    break
  case 'machine':
    benchMachine({ batch: 500, batches: 40, json: values.json })
    break
  case 'exports':
    await benchExports({ rounds: Number(values.rounds ?? 5), json: values.json })
    break
  case 'writes': {
    const seconds = Number(values.seconds ?? 120)
    await benchWrites({ idleSeconds: seconds, callSeconds: seconds, json: values.json })
    break
  }
  case 'codec':
    benchCodec({ json: values.json })
    break
  default:
    process.stderr.write(usage)
    process.exitCode = 2
}
