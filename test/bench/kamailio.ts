/**
 * Kamailio as the yardstick: one UDP worker, registrations in memory, digest with qop, Record-Route, stateful relay;
 * no accounting, no logging. Its configuration is written into the given directory, so that the run can be repeated.
 */
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Server } from './server.ts'

export function kamailioVersion(): string | undefined {
  const run = spawnSync('kamailio', ['-v'], { encoding: 'utf8' })
  return run.error === undefined ? /kamailio\s+([\d.]+)/.exec(run.stdout)?.[1] : undefined
}

/** Starts it on 127.0.0.1; every user's password is `password`. */
export async function startKamailio(directory: string, port: number, password: string): Promise<Server> {
  const file = path.join(directory, 'kamailio.cfg')
  writeFileSync(file, configuration(port, password))
  const child = spawn('kamailio', ['-DD', '-E', '-f', file], { stdio: 'ignore', cwd: directory })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await new Promise(resolve => setTimeout(resolve, 1_500))
  if (child.exitCode !== null) throw new Error(`kamailio did not start: kamailio -c -f ${file} says why`)
  return {
    name: 'kamailio',
    pid: child.pid!,
    port,
    async stop() {
      child.kill('SIGTERM')
      await gone
    },
  }
}

const configuration = (port: number, password: string): string => `
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
modparam("usrloc", "db_mode", 0)
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", 300)
request_route {
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
    record_route();
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    t_relay(); exit;
  }
  sl_send_reply("405", "Method Not Allowed");
}
`
