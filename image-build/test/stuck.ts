/**
 * Makes one thread of a running lanline hang: Node's inspector, opened by SIGUSR1, has it run a loop without end. The
 * program that hangs is the one that is shipped.
 */
import { createInterface } from 'node:readline'
import type { Machine } from './machine.ts'
import { until } from './machine.ts'

/** `thread` is a part of the path of its first file. */
export async function stick(machine: Machine, pid: number, thread: string): Promise<void> {
  machine.sh(`kill -USR1 ${pid}`)
  await until('the inspector listens', 10, () => machine.sh('ss -Hltn "sport = 9229"') !== '')
  const inside = machine.inNetwork([process.execPath, '--input-type=module', '-e', inspect, thread])
  const { value } = await createInterface(inside.stdout!)[Symbol.asyncIterator]().next()
  inside.kill()
  if (value !== 'stuck') throw new Error(`no thread hangs: ${value}`)
}

const inspect = `
  const thread = process.argv[1]
  const [target] = await (await fetch('http://127.0.0.1:9229/json/list')).json()
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  const titles = []
  let id = 0
  const send = (method, params = {}) => socket.send(JSON.stringify({ id: ++id, method, params }))
  socket.onopen = () => send('NodeWorker.enable', { waitForDebuggerOnStart: false })
  socket.onmessage = ({ data }) => {
    const { method, params } = JSON.parse(data)
    if (method !== 'NodeWorker.attachedToWorker') return
    titles.push(params.workerInfo.title + ' ' + params.workerInfo.url)
    if (!titles.at(-1).includes(thread)) return
    const loop = { id: 1, method: 'Runtime.evaluate', params: { expression: 'for (;;);' } }
    send('NodeWorker.sendMessageToWorker', { sessionId: params.sessionId, message: JSON.stringify(loop) })
    setTimeout(() => console.log('stuck'), 300)
  }
  setTimeout(() => console.log('only ' + titles.join(', ')), 5_000)
`
