import type { RelayPolicy } from '../../../src/relay/message.ts'

export const home = {
  title: 'Home',
  attention: 'Needs attention',
  allWell: 'All is well.',
  allWellBody: (version: string, since: string) => `lanline ${version} has been running since ${since}.`,
  invite: 'Invite somebody',

  doorTitle: (name: string) => `${name} asks to join`,
  doorBody: (device: string) => `With ${device}.`,
  partFailed: (part: string) => `The part “${part}” has failed`,
  updating: 'What to do',

  available: 'Here now',
  nobody: 'Nobody can be called right now.',
  nobodyBody: 'Open the phone page on a device, or invite somebody.',
  others: (count: number) => (count === 1 ? '1 other is away.' : `${count} others are away.`),
  allPeople: 'All people',

  callsNow: 'Calls now',
  noCalls: 'No call at the moment.',
  lastCalls: 'All calls',
  and: (name: string) => `and ${name}`,
  ringing: 'ringing',
  talking: (length: string) => `for ${length}`,
  video: 'video',
  audio: 'audio',
  direct: 'direct',
  relayed: 'relayed',
  pathUnknown: 'path not told yet',

  directShare: 'of the calls that ended in the last 30 days, and whose way is known, went direct',
  counts: (direct: number, relayed: number, unknown: number) =>
    `${direct} direct, ${relayed} relayed, ${unknown} not known`,
  relay: 'Relay',
  relayIdle: 'carries nothing',
  relayBusy: (grants: number, rate: string) =>
    `${grants === 1 ? '1 call' : `${grants} calls`}${rate === '' ? '' : `, ${rate}`}`,
  relayTotal: (amount: string) => `${amount} since the start`,
  relayOff: 'off',
  policies: {
    'cross-vlan': 'for calls between networks',
    'on-failure': 'for every call that finds no direct way',
    off: 'off',
  } satisfies Record<RelayPolicy, string>,

  health: 'This appliance',
  time: 'Time',
  timeUnset: 'not set',
  disk: 'Disk',
  diskFree: (free: string, total: string) => `${free} of ${total} free`,
  temperature: 'Temperature',
  load: 'Load',
  loadOf: (load: string, cores: number) => `${load} on ${cores} ${cores === 1 ? 'core' : 'cores'}`,
  memory: 'Memory',
  memoryOf: (own: string, free: string) => `${own} used by lanline, ${free} free`,
  certificate: 'Certificate',
  certificateUntil: (date: string) => `valid until ${date}`,
  name: 'Name on the network',
  notTold: 'not told by this machine',
  checks: (count: number) => `${count} things were looked at`,
  levels: { ok: 'fine', warning: 'look at this', problem: 'problem', unknown: 'not known' },
} as const
