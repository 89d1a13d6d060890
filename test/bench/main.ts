/**
 * `scripts/bench sip`: CPU per authenticated registration and per authenticated call, beside Kamailio's in the same
 * run; with `--profile`, where the time goes. `scripts/bench machine`: the SIP machine without sockets. `scripts/bench
 * codec`: nanoseconds per decode and encode.
 */
import { parseArgs } from 'node:util'
import { benchCodec } from './codec.ts'
import { benchMachine } from './machine.ts'
import { benchSip } from './sip.ts'

const usage = `usage: scripts/bench sip [--rounds N] [--seconds N] [--registrations PER_SECOND] [--calls PER_SECOND]
                        [--only lanline|kamailio] [--profile] [--json]
       scripts/bench machine [--json]
       scripts/bench codec [--json]
`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  strict: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    registrations: { type: 'string', default: '1000' },
    calls: { type: 'string', default: '200' },
    only: { type: 'string' },
    profile: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

switch (positionals[0]) {
  case 'sip':
    await benchSip({
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
      registrationsPerSecond: Number(values.registrations),
      callsPerSecond: Number(values.calls),
      only: values.only,
      profile: values.profile,
      json: values.json,
    })
    break
  case 'machine':
    benchMachine({ batch: 500, batches: 40, json: values.json })
    break
  case 'codec':
    benchCodec({ json: values.json })
    break
  default:
    process.stderr.write(usage)
    process.exitCode = 2
}
