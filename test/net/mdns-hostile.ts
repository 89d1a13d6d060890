/**
 * Runs inside a host of the LAN and sends packets that no honest party would: names in circles, sizes that do not hold,
 * noise, and floods of questions. Arguments: own address, packets a second, seconds. Ends by itself.
 */
import { createSocket } from 'node:dgram'

const [address, perSecond, seconds] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
const header = (questions: number, answers = 0): number[] => [
  0,
  0,
  0,
  0,
  0,
  questions,
  0,
  answers,
  0,
  0,
  0,
  0,
]
const name = (...labels: string[]): number[] => [
  ...labels.flatMap(label => [label.length, ...Buffer.from(label)]),
  0,
]
const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => Math.floor(Math.random() * 256)))
const packets = [
  Buffer.from([...header(1), 0xc0, 12, 0, 1, 0, 1]),
  Buffer.from([...header(255), ...Array.from({ length: 255 }, () => [0xc0, 12, 0, 1, 0, 1]).flat()]),
  Buffer.from([...header(1), 63, 97]),
  Buffer.from([0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]),
  Buffer.from([...header(1), ...name('lanline', 'local'), 0, 255, 0, 1]),
  Buffer.from([
    ...header(60),
    ...Array.from({ length: 60 }, () => [...name('_sip', '_udp', 'local'), 0, 12, 0, 1]).flat(),
  ]),
  noise(1_400),
  noise(12),
  Buffer.alloc(8_900, 0xc0),
  Buffer.alloc(0),
]
const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.bind(5353, '0.0.0.0', () => {
  socket.setMulticastInterface(address)
  socket.setMulticastTTL(255)
  let sent = 0
  const begin = performance.now()
  const timer = setInterval(() => {
    const elapsed = (performance.now() - begin) / 1_000
    if (elapsed >= seconds) {
      clearInterval(timer)
      socket.close()
      return
    }
    for (; sent < elapsed * perSecond; sent++)
      socket.send(packets[sent % packets.length]!, 5353, '224.0.0.251')
  }, 5)
})
