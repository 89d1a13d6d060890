import type { Device } from '../admin/message.ts'
import { api, orSay } from './api.ts'
import { type Command, moment, table } from './command.ts'

export const deviceList: Command = {
  name: 'device list',
  usage: '',
  about: 'lists enrolled devices and how each is reached',
  run: async call => {
    const devices = await api<readonly Device[]>(call.config, 'GET', '/devices')
    const rows = devices.map(device => [
      device.id,
      device.user,
      device.kind,
      device.name,
      device.reachable ? `${device.transport} ${device.address}` : 'away',
      moment(device.lastSeenAt),
    ])
    const headings = ['DEVICE', 'USER', 'KIND', 'NAME', 'REACHED', 'LAST SEEN']
    call.print(devices, () => table(headings, rows, 'no device yet'))
  },
}

export const deviceRevoke: Command = {
  name: 'device revoke',
  usage: '<device>',
  about: "takes a device's right away at once",
  words: [1, 1],
  help: [['<device>', 'its id, as `lanline device list` shows it']],
  run: async call => {
    const gone = api(call.config, 'DELETE', `/devices/${encodeURIComponent(call.words[0]!)}`)
    await orSay(gone, 'those that there are: lanline device list')
    call.print({ revoked: call.words[0] }, () => `revoked ${call.words[0]}`)
  },
}
