/** `image-build/vm`: one machine of the image until Ctrl-C. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Architecture, builtImage, Vm } from './vm.ts'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({
  options: { arch: { type: 'string', default: 'amd64' }, directory: { type: 'string' } },
})
const architecture = values.arch as Architecture
const directory = values.directory ?? join(root, 'image-build/out/vm', architecture)
const tcp = [80, 443, 5060, 5061, 3478, 5349]
const vm = await Vm.start({
  architecture,
  image: builtImage(root, architecture),
  directory,
  forwards: [
    ...tcp.map(guest => ({ protocol: 'tcp' as const, guest })),
    { protocol: 'udp', guest: 5060 },
    { protocol: 'udp', guest: 3478 },
  ],
})
process.stdout.write(
  `pages   https://localhost:${vm.port('tcp', 443)}/ (by name: curl -k --resolve lanline.local:${vm.port('tcp', 443)}:127.0.0.1 …)\n` +
    `SIP     udp 127.0.0.1:${vm.port('udp', 5060)}, tcp 127.0.0.1:${vm.port('tcp', 5060)}\n` +
    `console tail -f ${vm.serialFile}\n` +
    `shell   socat -,raw,echo=0 unix:${join(directory, 'shell.sock')}\n`,
)
const stopped = new Promise<void>(resolve => process.once('SIGINT', resolve).once('SIGTERM', resolve))
await Promise.race([
  vm
    .healthy(600)
    .then(seconds => process.stdout.write(`healthy after ${seconds.toFixed(0)} s\n`))
    .then(() => stopped),
  stopped,
  vm.ended,
])
await vm.cut()
