/**
 * Wi-Fi of the card, by the kernel's simulated radios (mac80211_hwsim): the second is an access point with a DHCP server, the
 * first is what the card would have. All above the radio's driver is as on a board.
 */
import type { Vm } from '../vm.ts'

/** What would have to be quoted somewhere on its way from `wifi.txt` to the access point. */
const network = 'Mühle "2" \\ #1'
const password = 'rye "bread" \\ #1'

const secured = {
  WPA2: 'key_mgmt=WPA-PSK',
  WPA3: 'key_mgmt=SAE\n  ieee80211w=2',
} as const

/** Resolves with what it joined; rejects with what the log says of the first that it did not join. */
export async function joinsWifi(vm: Vm, limitSeconds: number): Promise<string> {
  await run(vm, written('/run/wifi.txt', `network = ${network}\npassword = ${password}\ncountry = de\n`))
  await run(
    vm,
    'mount -o remount,rw /boot/firmware && cp /run/wifi.txt /boot/firmware/wifi.txt && mount -o remount,ro /boot/firmware',
  )
  await run(vm, 'systemctl restart lanline-card')
  const address = '[Match]\nName=wlan1\n[Network]\nAddress=192.168.77.1/24\nDHCPServer=yes\n'
  await run(
    vm,
    `mkdir -p /run/systemd/network && ${written('/run/systemd/network/10-point.network', address)}`,
  )
  await run(vm, 'systemctl restart systemd-networkd && modprobe mac80211_hwsim radios=2')
  const joined: string[] = []
  for (const [name, security] of Object.entries(secured)) {
    const ssid = Buffer.from(network).toString('hex')
    const point = `network={\n  mode=2\n  ssid=${ssid}\n  frequency=2412\n  ${security}\n  pairwise=CCMP\n  proto=RSN\n  psk="${password}"\n}\n`
    await run(vm, written('/run/point.conf', point))
    await run(vm, 'wpa_supplicant -B -P /run/point.pid -i wlan1 -D nl80211 -c /run/point.conf')
    await vm
      .until(
        async () => (await vm.run(`${isUp} && ${hasLease} && echo joined`)).output === 'joined',
        limitSeconds,
        `${name} joined`,
        2_000,
      )
      .catch(async error => {
        const { output } = await vm.run('journalctl --no-pager --output=cat --lines=12 --unit=lanline-wifi')
        throw new Error(`${error.message}; ${output}`)
      })
    joined.push(name)
    await run(vm, 'kill $(cat /run/point.pid)')
    await vm.until(async () => (await vm.run(hasLease)).code !== 0, limitSeconds, `${name} left`)
  }
  await run(vm, 'test "$(systemctl show -P NRestarts lanline-wifi)" = 0')
  return joined.join(', ')
}

/** Not before the keys are agreed on. */
const isUp = 'test "$(cat /sys/class/net/wlan0/operstate)" = up'
/** Of the access point: the kernel's own list of local addresses, as no tool for it is on the card. */
const hasLease = 'grep -B1 "host LOCAL" /proc/net/fib_trie | grep "192\\.168\\.77\\." | grep -qv "77\\.1$"'

const written = (path: string, text: string): string =>
  `echo ${Buffer.from(text).toString('base64')} | base64 -d >${path}`

async function run(vm: Vm, command: string): Promise<void> {
  const { code, output } = await vm.run(command)
  if (code !== 0) throw new Error(`${command}: ${output}`)
}
