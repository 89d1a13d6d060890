/**
 * Kamailio as the yardstick: one UDP worker, registrations in memory, digest with qop, Record-Route, stateful relay;
 * no accounting, no logging. And once more with what lanline does besides: registrations that outlive a restart, a row a
 * call, and each of a call's messages kept, by Kamailio's own modules in SQLite, in memory: they commit each row by itself,
 * and at 200 calls a second on a disk every third call failed. Its configuration is written into the
 * given directory, so that the run can be repeated.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import type { Server } from './server.ts'

/** Where the Debian package kamailio-sqlite-modules has what makes the tables. */
const tableDirectory = '/usr/share/kamailio/db_sqlite'

export function kamailioVersion(): string | undefined {
  const run = spawnSync('kamailio', ['-v'], { encoding: 'utf8' })
  return run.error === undefined ? /kamailio\s+([\d.]+)/.exec(run.stdout)?.[1] : undefined
}

export const canKamailioKeep = (): boolean => existsSync(tableDirectory)

export interface KamailioOptions {
  readonly directory: string
  readonly port: number
  /** Every user's. */
  readonly password: string
  /** Registrations, calls and their messages go to SQLite. */
  readonly keeps: boolean
}

/** Starts it on 127.0.0.1. */
export async function startKamailio({ keeps, ...options }: KamailioOptions): Promise<Server> {
  const name = keeps ? 'kamailio, keeping' : 'kamailio'
  const directory = path.join(options.directory, keeps ? 'kamailio-keeping' : 'kamailio')
  mkdirSync(directory)
  const { port, password } = options
  const file = path.join(directory, 'kamailio.cfg')
  const memory = keeps ? mkdtempSync('/dev/shm/lanline-bench-') : undefined
  writeFileSync(file, configuration(port, password, memory ? keeping(makeTables(memory)) : justCalls))
  const child = spawn('kamailio', ['-m', '1024', '-DD', '-E', '-f', file], {
    stdio: 'ignore',
    cwd: directory,
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await new Promise(resolve => setTimeout(resolve, 1_500))
  if (child.exitCode !== null) throw new Error(`kamailio did not start: kamailio -c -f ${file} says why`)
  return {
    name,
    pid: child.pid!,
    port,
    async stop() {
      child.kill('SIGTERM')
      await gone
      if (memory === undefined) return
      process.stderr.write(`${name}: ${whatIsIn(memory)}\n`)
      rmSync(memory, { recursive: true })
    },
  }
}

function makeTables(directory: string): string {
  const file = path.join(directory, 'kept.sqlite')
  const database = new Database(file)
  for (const tables of ['standard', 'usrloc', 'dialog', 'acc', 'siptrace']) {
    database.exec(readFileSync(path.join(tableDirectory, `${tables}-create.sql`), 'utf8'))
  }
  database.close()
  return file
}

/** So that nobody takes for granted that it kept anything. */
function whatIsIn(directory: string): string {
  const database = new Database(path.join(directory, 'kept.sqlite'), { readonly: true })
  const count = (table: string): number =>
    database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
  const told = `${count('location')} registrations, ${count('acc_cdrs')} calls and ${count('sip_trace')} messages kept`
  database.close()
  return told
}

/** What is put into the configuration at its places. */
interface Kept {
  readonly modules: string
  /** The usrloc module's `db_mode`. */
  readonly registrations: number
  /** Before a request of a call is handled. */
  readonly request: string
  readonly invite: string
}

const justCalls: Kept = { modules: '', registrations: 0, request: '', invite: '' }

/** Registrations are written behind, by a timer, as lanline's are. */
const keeping = (database: string): Kept => ({
  modules: `
loadmodule "db_sqlite.so"
loadmodule "dialog.so"
loadmodule "acc.so"
loadmodule "siptrace.so"
modparam("db_sqlite", "db_set_journal_mode", "${database}=WAL;")
modparam("usrloc|acc|siptrace", "db_url", "sqlite://${database}")
modparam("acc", "db_flag", 1)
modparam("acc", "cdr_enable", 1)
modparam("acc", "cdrs_table", "acc_cdrs")
modparam("siptrace", "trace_to_database", 1)
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "trace_flag", 22)
`,
  registrations: 2,
  request: 'if (!is_method("REGISTER")) { setflag(22); sip_trace(); }',
  invite: 'setflag(1); dlg_manage();',
})

const configuration = (port: number, password: string, kept: Kept): string => `
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
alias="127.0.0.1:${port}"
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
${kept.modules}
modparam("usrloc", "db_mode", ${kept.registrations})
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", 300)
request_route {
  ${kept.request}
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not here"); exit;
  }
  t_check_trans();
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("$td", "${password}", "0")) { www_challenge("$td", "1"); exit; }
    if ($au != $tU) { sl_send_reply("403", "Forbidden"); exit; }
    save("location"); exit;
  }
  if (is_method("INVITE")) {
    if (!pv_proxy_authenticate("$fd", "${password}", "0")) { proxy_challenge("$fd", "1"); exit; }
    if ($au != $fU) { sl_send_reply("403", "Forbidden"); exit; }
    consume_credentials();
    ${kept.invite}
    record_route();
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    t_relay(); exit;
  }
  sl_send_reply("405", "Method Not Allowed");
}
`
