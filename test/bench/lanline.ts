import { startLocalDaemon } from '../interop/local-daemon.ts'
import type { Server } from './server.ts'

/** Starts the daemon on 127.0.0.1 with these people; `profile` has V8 write its CPU profile into `directory` at the end. */
export async function startLanline(options: {
  readonly directory: string
  readonly users: readonly { readonly name: string; readonly password: string }[]
  readonly profile: boolean
  /** Modules loaded before it. */
  readonly preload?: readonly string[]
}): Promise<Server> {
  const daemon = await startLocalDaemon({
    directory: options.directory,
    users: options.users,
    nodeOptions: [
      ...(options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.directory}`] : []),
      ...(options.preload ?? []).flatMap(file => ['--import', file]),
    ],
  })
  return { name: 'lanline', pid: daemon.pid, port: daemon.ports.sip, stop: daemon.stop }
}
