import { serviceDataDirectory } from '../config.ts'
import type { Daemon } from '../daemon.ts'
import { bridgedWords } from '../doctor/judge.ts'
import { isBridged } from '../runtime/bridged.ts'
import { jsonLog } from '../runtime/log.ts'
import { PortError } from '../runtime/ports.ts'
import { StoreError } from '../store/errors.ts'
import { type Command, CommandError } from './command.ts'
import { checkMounted } from './container.ts'
import { isAnothers } from './owner.ts'
import { ownVersion } from './version.ts'

/** A stop that takes longer is cut short: everything acknowledged is on disk already. */
const stopMilliseconds = 1_800

/** EX_TEMPFAIL of sysexits(3): a supervisor that starts anew whatever failed does so with this. */
const restartCode = 75

export const serve: Command = {
  name: 'serve',
  usage: '',
  about: 'runs the exchange in the foreground until Ctrl-C',
  run: async call => {
    const { config, environment } = call
    if (config.container) checkMounted(config.data.dir)
    else if (config.data.dir === serviceDataDirectory && isAnothers(config.data.dir)) {
      throw new CommandError(
        `${config.data.dir} belongs to the service; start it with: systemctl start lanline`,
      )
    }
    // For whoever looks who holds a port, or lists processes: not the name of the runtime.
    process.title = 'lanline'
    // Whoever made the data directory may have left it open to others.
    process.umask(0o077)
    const log = jsonLog(config.log.level, say)
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
    const asked = stopSignal()
    // Loaded only here and by `try`: no other command waits for the whole exchange to be read.
    const { Daemon } = await import('../daemon.ts')
    const daemon = await Daemon.start({ config, environment, log, version: ownVersion() }).catch(error => {
      if (error instanceof PortError || error instanceof StoreError) throw new CommandError(error.message)
      throw error
    })
    say(greeting(daemon, isBridged(config)))
    const restart = daemon.restartWanted.then(() => 'restart' as const)
    const why = await Promise.race([asked, restart, daemon.lost.then(lost => ({ lost }))])
    const lost = typeof why === 'object' ? why.lost : undefined
    // Before the stop, in which what is lost may hang.
    if (lost !== undefined)
      say(`lanline: ${lost}; restart lanline, and look at its log and the disk if it happens again\n`)
    const code = why === undefined ? 0 : why === 'restart' ? restartCode : 1
    const cut = setTimeout(() => process.exit(code), stopMilliseconds)
    await daemon.stop()
    clearTimeout(cut)
    if (code !== 0) process.exit(code)
  },
}

/** Who reads the log may be gone, and the disk that takes it be full (a file's write throws): calls go on. */
function say(text: string): void {
  try {
    process.stdout.write(text)
  } catch {}
}

function greeting(daemon: Daemon, bridged: boolean): string {
  const lines = daemon.moved.map(({ key, from, to }) => `port ${from} (${key}) is taken, using ${to}`)
  const { page, thisComputer, phones, claim } = daemon.urls()
  lines.push(`lanline ready ${shown(page)}`, `this computer ${shown(thisComputer)}`)
  lines.push(...phones.map(url => `phones ${shown(url)}`))
  if (claim) lines.push(`claim it as its owner: ${shown(claim.link)}`, `setup code ${claim.code}`)
  if (bridged) lines.push(`${bridgedWords.found}. ${bridgedWords.advice}`)
  return `${lines.join('\n')}\n`
}

/** As one types it: without the port where it is 80 or 443. */
const shown = (url: string): string => new URL(url).href

function stopSignal(): Promise<undefined> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined))
  })
}
