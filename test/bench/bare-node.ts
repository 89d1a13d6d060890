import { spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Server } from './server.ts'

/** Starts the proxy that does next to nothing (`bare-node-process.ts`) on 127.0.0.1. */
export async function startBareNode(port: number): Promise<Server> {
  const program = path.join(import.meta.dirname, 'bare-node-process.ts')
  const child = spawn(process.execPath, [program, String(port)], { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await pause(1_000)
  return {
    name: 'bare node',
    pid: child.pid!,
    port,
    async stop() {
      child.kill('SIGTERM')
      await gone
    },
  }
}
