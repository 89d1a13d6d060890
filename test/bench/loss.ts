/** The same benchmark once more in a network of its own, whose loopback loses a share of all UDP datagrams. */
import { spawnSync } from 'node:child_process'

/** Of what would have arrived, 0 to 100. Ends with this process's own exit code; needs root, iproute2 and nftables. */
export function runAgainWithLoss(percent: number, parameters: readonly string[]): void {
  const rules = [
    'table inet loss {',
    ' chain arriving {',
    '  type filter hook input priority 0;',
    `  meta l4proto udp numgen random mod 1000 < ${Math.round(percent * 10)} drop`,
    ' }',
    '}',
  ].join('\n')
  const prepare = `ip link set lo up && nft -f - <<END && exec "$@"\n${rules}\nEND`
  const again = [process.execPath, ...process.argv.slice(1, 2), ...parameters]
  const run = spawnSync('unshare', ['--net', 'sh', '-c', prepare, 'sh', ...again], { stdio: 'inherit' })
  if (run.error) throw run.error
  process.exitCode = run.status ?? 1
}
