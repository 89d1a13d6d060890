/**
 * Media packets on each computer's cable, counted while the film runs: SRTP and, inside TURN, what goes in a channel, by
 * the first byte of UDP's payload (RFC 7983 §7). Started by `play.ts` in a terminal at the foot of the screen, with a
 * name and a network namespace for each: `Alice=<namespace>`. A cable that is out is called so.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'

const filter = 'udp and not port 53 and (udp[8] & 0xc0 == 0x80 or (port 3478 and udp[8] & 0xf0 == 0x40))'
const everyMilliseconds = 250

interface Cable {
  readonly name: string
  readonly namespace: string
  packets: number
  isIn: boolean
}

const cables: readonly Cable[] = process.argv.slice(2).map(each => {
  const [name = '', namespace = ''] = each.split('=')
  return { name, namespace, packets: 0, isIn: true }
})

const inside = (namespace: string, program: readonly string[]): string[] => [
  ...['netns', 'exec', namespace, 'setpriv', '--pdeathsig', 'KILL'],
  ...program,
]

/** A line of tcpdump is a packet; on `any` it would count those that pass twice, once a network, as on the wire. */
function count(cable: Cable): ChildProcess {
  const tcpdump = ['tcpdump', '-l', '-n', '-q', '-t', '-i', 'any', filter]
  const watch = spawn('ip', inside(cable.namespace, tcpdump), { stdio: ['ignore', 'pipe', 'ignore'] })
  watch.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) cable.packets += 1
  })
  return watch
}

/** An interface whose other end is down has lost its carrier. */
function look(cable: Cable): void {
  execFile('ip', ['-n', cable.namespace, '-o', 'link', 'show', 'dev', 'eth0'], (error, stdout) => {
    if (error === null) cable.isIn = !stdout.includes('NO-CARRIER')
  })
}

function tell(): void {
  const told = cables.map(({ name, packets, isIn }) => {
    const figure = packets.toLocaleString('en').padStart(6)
    return isIn ? `${name}${figure}` : `\x1b[1;41m ${name}: OUT \x1b[0m${figure}`
  })
  process.stdout.write(`\x1b[?25l\x1b[H\x1b[2K Media packets on the cable of   ${told.join('   ')}`)
}

for (const cable of cables) {
  count(cable)
  setInterval(() => look(cable), everyMilliseconds)
}
setInterval(tell, everyMilliseconds)
