/**
 * A sound card for a host, in software: a microphone that hums a tone, and a loudspeaker. With its own imitation of a microphone
 * Firefox runs no audio graph and hides its addresses; with this it does as it does on a desk.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './lan.ts'
import { pathOf } from './peers.ts'
import { until } from './wait.ts'

/** What programs call the microphone. */
export const microphone = 'microphone'

/** Plugs it in: it is there until the LAN is gone. @returns what a program's environment must say to find it. */
export async function plugInSoundCard(host: Host, hertz: number): Promise<Readonly<Record<string, string>>> {
  const folder = join(host.lan.directory, `sound-${host.name}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const socket = join(folder, 'socket')
  const modules = [
    'module-null-sink sink_name=loudspeaker',
    'module-null-sink sink_name=air',
    `module-sine sink=air frequency=${hertz}`,
    `module-remap-source source_name=${microphone} source_properties=device.description=${microphone} master=air.monitor`,
    `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
  ]
  const own = ['env', `HOME=${folder}`, `XDG_RUNTIME_DIR=${folder}`, 'DBUS_SESSION_BUS_ADDRESS=disabled:']
  const server = [pathOf('pulseaudio')!, '-n', '--daemonize=no', '--exit-idle-time=-1', '--disable-shm']
  const words = [...own, ...server, ...modules.flatMap(module => ['-L', module])]
  host.spawn(words[0]!, words.slice(1), { stdio: 'ignore' })
  const environment = { PULSE_SERVER: `unix:${socket}` }
  const isThere = async (): Promise<boolean> => {
    const asked = [`PULSE_SERVER=${environment.PULSE_SERVER}`, pathOf('pactl')!, 'list', 'short', 'sources']
    return (await host.exec('env', asked)).stdout.includes(microphone)
  }
  await until('the sound card is there', isThere)
  return environment
}
