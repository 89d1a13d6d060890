/** Every word a person reads, in one place. Accessible names are tested by these words: see `README.md`. */

import type { MediaProblem } from '../../client/media.ts'
import type { EndReason } from '../../src/core/end-reason.ts'
import type { RelayReason, RelayRefusal } from '../../src/relay/message.ts'
import type { Presence } from '../../src/signalling/message.ts'
import type { Loss } from './plugs.ts'

export const texts = {
  product: 'lanline',
  starting: 'Starting…',

  unreachableTitle: 'lanline does not answer',
  unreachableBody:
    'The appliance may be starting, or this device is on another network. This page keeps trying.',
  unclaimedTitle: 'This lanline has no owner yet',
  unclaimedBody: 'Set it up first, then people can join.',
  setItUp: 'Set it up',

  joinTitle: (place: string) => `Join ${place || 'lanline'}`,
  joinBody: 'Type the name the others know you by. The owner then lets you in.',
  invitedTitle: (place: string) => `You are invited to ${place || 'lanline'}`,
  invitedBody: 'Type the name the others know you by.',
  invitedAs: (name: string) => `This will be a device of ${name} and ring too when somebody calls them.`,
  willBeGuest: (end: string) => `You will be a guest until ${end}.`,
  yourName: 'Your name',
  askToJoin: 'Ask to join',
  joinNow: 'Join',
  joining: 'Asking…',
  waitingTitle: 'Waiting for the owner',
  waitingBody: (name: string, since: string) =>
    `The owner was asked${since && ` at ${since}`} to let “${name}” in. This page goes on by itself.`,
  cancelRequest: 'Cancel',
  deniedTitle: 'The owner said no',
  goneTitle: 'The request has expired',
  deniedBody: 'Talk to the owner of this lanline, then ask again.',
  askAgain: 'Ask again',
  revokedTitle: 'This device was removed',
  revokedBody: (cutOff: string) =>
    `${cutOff && `Your call with ${cutOff} ended with it. `}The owner took it off the list, or your time as a guest is over. You can ask to join again.`,
  guestOverTitle: 'Your time as a guest is over',
  guestOverBody: (cutOff: string) =>
    `${cutOff && `Your call with ${cutOff} ended with it. `}You can ask to join again: the owner then says for how long.`,
  invite: {
    used: 'This invite link was used already: it lets one device in. Ask the owner for a new one, or ask to join.',
    expired: 'This invite link has expired. Ask the owner for a new one, or ask to join.',
    unknown:
      'This invite link is not known here: it was withdrawn, or it is not whole. Ask the owner for a new one, or ask to join.',
    notNeeded:
      'This device has joined already, so the invite link was not used. Open it on the device that it is for.',
  },
  refused: {
    policy: 'Here one joins by invite only. Ask the owner for a link.',
    tooMany: 'Too many tries. Wait a minute, then try again.',
    tooManyWaiting: 'Enough people are waiting to be let in. Ask the owner to answer them, then try again.',
    unreachable: 'lanline did not answer. Check the network and try again.',
    other: (message: string) => message || 'That did not work. Try again.',
  },

  blockedTitle: 'Open in another tab',
  blockedBody: 'Your line rings in one tab at a time, and another tab of this browser has it.',
  useHere: 'Use here',

  line: {
    online: 'Ready',
    connecting: 'Connecting…',
    waiting: 'Connection lost. Reconnecting…',
    stopped: 'Not connected',
    idle: 'Not connected',
  },
  notKept:
    'This browser keeps nothing: once this page is closed, it is no phone any more and has to join anew. Allow this page to save data, or free some space.',
  doNotDisturb: 'Do not disturb',
  doNotDisturbOn: 'Calls are turned away on all your devices.',
  doNotDisturbOff: 'Your devices ring when somebody calls.',
  quiet: {
    title: 'Quiet hours',
    none: 'None set',
    until: (time: string) => `Your quiet hours are on until ${time}.`,
    letThrough: (time: string) => `Calls come through until your quiet hours end at ${time}.`,
    body: 'None of your devices ring then. Who calls is told, and stands among your missed calls.',
    from: 'From',
    untilLabel: 'Until',
    days: 'Beginning on',
    zone: (zone: string) => `By the clock of ${zone}.`,
    otherZone: (zone: string, here: string) =>
      `So far by the clock of ${zone}; saved here, by that of ${here}.`,
    noDay: 'Choose at least one day.',
    save: 'Save',
    end: 'No quiet hours',
  },
  soundOff: 'Tap anywhere once, so that this page may ring aloud.',
  notice: {
    hint: 'The browser can show who calls while you look at something else.',
    allow: 'Show me',
    notNow: 'Do not show who calls',
    open: 'Open the page to answer.',
    missed: (name: string) => `You missed a call from ${name}`,
    title: 'Show who calls',
    on: 'The browser shows it while you look at something else.',
    off: 'You see it on this page only.',
    denied:
      'The browser does not allow it. Allow notifications behind the symbol beside the address, then try again.',
  },
  renewal: 'There is a newer version of this page.',
  renew: 'Load it',

  people: 'People',
  noCallsNow: 'No calls until it is back',
  find: {
    label: 'Find a person',
    hint: 'Name or number',
    found: (count: number, enter: string | undefined) =>
      `${count === 0 ? 'Nobody' : count === 1 ? '1 person' : `${count} people`} found.${enter === undefined ? '' : ` ${enter}`}`,
    enterCalls: (name: string) => `Enter calls ${name}.`,
    enterTransfers: (name: string) => `Enter transfers to ${name}.`,
  },
  notYetTitle: 'lanline does not answer',
  notYetBody: 'Who is here shows as soon as it does. This page keeps trying.',
  nobodyTitle: 'Nobody else is here yet',
  nobodyBody: 'As soon as somebody joins, you can call them from here.',
  presence: {
    available: 'Available',
    inCall: 'In a call',
    doNotDisturb: 'Do not disturb',
    away: 'Page closed',
  } satisfies Record<Presence, string>,
  shortNumber: 'Short number, for phones without letters',
  call: (name: string) => `Call ${name}`,
  videoCall: (name: string) => `Video call ${name}`,

  echoPresence: 'Plays you back',

  requests: 'At the door',
  asksToJoin: (name: string) => `${name} asks to join`,
  allow: 'Allow',
  allowTonight: 'Until tonight',
  allowWeekend: 'For the weekend',
  deny: 'No',
  allowName: (name: string) => `Allow ${name}`,
  allowTonightName: (name: string) => `Allow ${name} until tonight`,
  allowWeekendName: (name: string) => `Allow ${name} for the weekend`,
  denyName: (name: string) => `No, do not let ${name} in`,
  someoneAtDoor: (count: number) => (count === 1 ? 'Somebody is at the door' : `${count} are at the door`),
  missedCount: (count: number) => `(${count} missed)`,
  waitingAtDoor: (count: number) => `(${count} at the door)`,
  guestEnds: (end: string) =>
    `Your time as a guest ends at ${end}, and with it a call that is going on. The owner can let you stay longer.`,
  guestUntil: (end: string) => `You are a guest here until ${end}.`,

  check: {
    title: 'Check my connection',
    lead: 'Looks at this page, the line to lanline, microphone and camera, and makes a test call that comes back to you. It takes about a quarter of a minute; nothing is recorded.',
    start: 'Start the check',
    again: 'Check again',
    stop: 'Stop',
    stopped: 'The check was stopped.',
    back: 'Back',
    copy: 'Copy the report',
    reportLabel: 'Report, to be copied',
    groups: {
      page: 'This page',
      line: 'The line to lanline',
      devices: 'Microphone, camera, speaker',
      way: 'The way of calls',
    },
    steps: {
      network: 'Looking at the page and the line…',
      microphone: 'Listening: say a few words. If the browser asks, choose Allow.',
      camera: 'Looking through the camera. If the browser asks, choose Allow.',
      addresses: 'Looking at this device’s addresses…',
      echo: 'Making a test call to the echo…',
    },
    names: {
      secure: 'Secure page',
      certificate: 'Certificate',
      name: 'The name it was opened by',
      otherName: 'Other ways to it',
      line: 'Line',
      clock: 'Clocks',
      microphone: 'Microphone',
      camera: 'Camera',
      speaker: 'Speaker',
      addresses: 'Addresses',
      network: 'Network',
      echoSound: 'Sound there and back',
      echoPicture: 'Picture there and back',
      path: 'Which way it went',
      devices: 'Between two devices',
    },
    stillToCome: 'Still to come',
    running: 'Running',
    levelLabel: 'How loud the microphone is',
    preview: 'Your camera',
    playTone: 'Play a tone',
    heard: 'I heard it',
    notHeard: 'I heard nothing',
  },

  history: {
    title: 'Calls',
    open: 'All calls',
    latest: 'Latest calls',
    none: 'No calls yet.',
    today: 'Today',
    yesterday: 'Yesterday',
    more: 'Show more',
    going: 'going on',
    kind: {
      missed: (video: boolean) => (video ? 'Missed video call' : 'Missed call'),
      outgoing: (video: boolean) => (video ? 'Video call out' : 'Call out'),
      incoming: (video: boolean) => (video ? 'Video call in' : 'Call in'),
    },
    answered: (name: string) => `${name} answered`,
    notAnswered: (outgoing: boolean, reason: string | undefined): string => {
      switch (reason) {
        case 'declined':
          return 'declined'
        case 'busy':
          return 'busy'
        case 'doNotDisturb':
          return 'do not disturb'
        case 'unreachable':
          return 'not reachable'
        case 'cancelled':
          return outgoing ? 'given up' : 'not taken'
        default:
          return outgoing ? 'not answered' : 'not taken'
      }
    },
    path: { direct: 'direct', relayed: 'relayed' },
  },

  thisPhone: {
    title: 'This phone',
    volume: 'Ring volume',
    percent: (value: number) => `${value} %`,
    silent: 'silent',
    silentBody: 'It does not ring aloud: you only see who calls.',
    ringOnce: 'Ring once',
    wall: 'Wall phone',
    wallBody:
      'The screen stays on while this page is open, and the buttons are large. Nothing is answered by itself.',
    wallBodyNoLock:
      'The buttons are large. This browser cannot keep the screen on: let the device’s own settings do it. Nothing is answered by itself.',
  },

  myDevices: 'My devices',
  thisDevice: 'This device',
  deviceHere: 'Reachable now',
  deviceNever: 'Not seen yet',
  deviceSeen: (when: string) => `Last seen ${when}`,
  deviceName: 'Name of the device',
  rename: 'Rename',
  renameName: (name: string) => `Rename ${name}`,
  remove: 'Remove',
  removeName: (name: string) => `Remove ${name}`,
  removeQuestion: (name: string) => `Remove ${name}? Its calls end at once, and it has to be let in again.`,
  keep: 'Keep it',
  addTitle: 'Add a device',
  addDevice: 'Add another phone or computer',
  addDeviceBody: 'It becomes one of your devices: when somebody calls you, it rings too.',
  showCode: 'Show a code',
  addDeviceScan: 'Scan this with the other device, or open the link there. It works once, within an hour.',
  addDeviceCode: 'Code for another device of yours',
  addDeviceLink: 'the link',
  addDeviceDone: (name: string) => `${name} is one of your devices now.`,
  addSoftphone: 'Add a SIP phone or app',
  softphoneBody: 'It gets a name and a password of its own, so that it can be removed alone.',
  softphoneExample: 'Desk phone',
  add: 'Add',
  linphoneTitle: 'Scan this with Linphone',
  linphoneCode: 'Code for Linphone',
  linphoneBody: (minutes: number) =>
    `In Linphone, where it asks for an account, choose to scan a code. It works once, within ${minutes} minutes, and Linphone’s first account is replaced.`,
  linphoneHere: 'Open in Linphone on this device',
  linphonePlain:
    'Sound and picture are encrypted from device to device. What Linphone tells lanline (who calls whom) is not: others on this network could read it.',
  linphoneSecure: 'What Linphone tells lanline is encrypted, and the certificate checked.',
  linphoneTls: 'Encrypt that too',
  linphoneFile: 'Linphone takes our certificate from a file only. Put this one on that device:',
  linphoneFileOnly: 'Linphone then trusts no other authority: not for somebody with accounts elsewhere.',
  linphonePath: 'Where it lies there',
  linphonePathSet: 'Change the code',
  linphoneExpired: 'The code has expired. Remove the phone and add it again.',
  softphoneConnected: 'The phone is connected. Whoever calls you rings there too.',
  softphoneAuthority: 'Certificate for phones that ask for a file (lanline.pem)',
  softphoneTitle: 'Or type this into a phone',
  softphone: { server: 'Server', transport: 'Transport', user: 'User name', password: 'Password' },
  softphoneOnce: 'The password is shown only now. Others call you as before: this phone rings too.',
  softphonePlain: (server: string) =>
    `If it does not know TLS: server ${server}, transport TCP or UDP. Calls with pages need a phone that knows DTLS-SRTP and ICE.`,
  copy: 'Copy',
  copyName: (name: string) => `Copy ${name}`,
  copied: 'Copied',
  save: 'Save',

  missed: 'Missed calls',
  missedAudio: 'Missed call',
  missedVideo: 'Missed video call',
  clear: 'Clear',
  clearMissed: 'Clear missed calls',
  callBack: (name: string) => `Call ${name} back`,

  incomingAudio: (name: string) => `${name} is calling`,
  incomingVideo: (name: string) => `${name} is calling with video`,
  calledFor: (name: string) => `for ${name}`,
  transferredBy: (name: string) => `transferred by ${name}`,
  answer: 'Answer',
  answerVideo: 'Answer with video',
  decline: 'Decline',

  state: {
    preparing: 'Opening microphone…',
    calling: (name: string) => `Calling ${name}…`,
    ringing: (name: string) => `Ringing at ${name}’s…`,
    answering: 'Opening microphone…',
    connecting: 'Connecting…',
    connected: 'Connected',
    held: 'On hold',
    reconnecting: 'Reconnecting…',
  },
  callWith: (name: string) => `Call with ${name}`,
  hangUp: 'Hang up',
  cancelCall: 'Cancel call',
  mute: 'Mute',
  unmute: 'Unmute',
  cameraOn: 'Turn camera on',
  cameraOff: 'Turn camera off',
  devices: 'Devices',
  cameraShort: 'Camera',
  otherCamera: 'Other camera',
  cameraNeedsLine: 'The camera can be turned on when the appliance is back.',
  pictureBegan: (name: string) => `${name} turned the camera on. ${name} does not see you.`,
  pictureOffered: (name: string) => `Waiting for ${name}’s phone to take the picture…`,
  pictureRefused: (name: string) => `${name}’s phone takes no picture. The call goes on with sound.`,
  answeredFor: (name: string, calledFor: string) => `${name} answered for ${calledFor}.`,
  calledThem: (name: string, calledFor: string) => `${name} called ${calledFor}.`,
  transfer: {
    open: 'Transfer',
    openName: (name: string) => `Transfer ${name} to somebody else`,
    title: (name: string) => `Transfer ${name} to…`,
    body: (name: string) =>
      `A name transfers at once: you and ${name} talk on until somebody answers. Or ask first, with ${name} on hold.`,
    askFirst: 'Ask first',
    askFirstName: (to: string) => `Ask first: ${to}`,
    waits: (name: string) => `${name} is on hold.`,
    connect: (name: string, to: string) => `Connect ${name} and ${to}`,
    connecting: (name: string, to: string) => `Connecting ${name} and ${to}…`,
    back: 'Back',
    hangUpBack: (to: string, name: string) => `Back to ${name}: hang up on ${to}`,
    leftWaiting: (name: string) => `${name}, who was on hold, has hung up.`,
    backTo: (name: string, why: string) => `${why ? `${why} ` : ''}You are back with ${name}.`,
    needsLine: 'The call can be transferred when the appliance is back.',
    asked: (name: string, to: string) => `Asking ${name}’s phone to call ${to}…`,
    ringing: (name: string, to: string) =>
      `It rings at ${to}’s. You and ${name} talk on until somebody answers.`,
    underWay: (name: string) => `${name} is being transferred already.`,
    beingTransferred: (name: string) => `${name} is just transferring you.`,
    done: (name: string, to: string) => `${name} is talking with ${to} now.`,
    ofUs: (name: string, to: string) =>
      `${name} is transferring you to ${to}. You two talk on until somebody answers.`,
    stay: (name: string) => `Stay with ${name}`,
    doneOfUs: (name: string, to: string) => `${name} transferred you to ${to}.`,
    leftUs: (name: string, to: string) => `${name} has hung up. You are being transferred to ${to}.`,
    cameraLeft: 'Your camera is off now.',
  },
  peerMuted: (name: string) => `${name} is muted`,
  peerLost: {
    microphone: (name: string) => `${name}’s microphone is gone.`,
    camera: (name: string) => `${name}’s camera is gone.`,
  },
  heldBy: (name: string) => `${name} has put you on hold: they do not hear you.`,
  peerTestSource: (name: string) => `${name} has no microphone: you hear a test source`,
  testSource: 'Test source',
  testSourceBody: 'No microphone here: the other side hears a test tone.',
  youMuted: 'You are muted',
  calledMeanwhile: (name: string, calledFor: string | undefined) =>
    calledFor === undefined
      ? `${name} called, and was told that you are in a call.`
      : `${name} called ${calledFor} meanwhile.`,
  loss: {
    microphoneGone: (name: string) => `There is no microphone any more: ${name} does not hear you.`,
    microphoneDenied: (name: string) =>
      `The browser may not use the microphone any more: ${name} does not hear you. Allow it behind the symbol beside the address.`,
    microphoneTaken: (name: string) => `Something else holds the microphone: ${name} does not hear you.`,
    cameraGone: (name: string) => `The camera went off: ${name} does not see you.`,
  } satisfies Record<Loss, (name: string) => string>,
  selfView: 'Your camera',
  remoteView: (name: string) => `${name}’s camera`,
  lineAway: 'The appliance is away. The call goes on; hanging up works.',

  openDoor: 'Open the door',
  doorOpened: (name: string, keys: string) => `${name} was sent ${keys}.`,
  keypad: {
    open: 'Keypad',
    title: 'Keypad',
    body: (name: string) => `${name} hears what you press. You can type it, too.`,
    pressed: 'Pressed so far',
    names: { '*': 'Star', '#': 'Hash' } as Readonly<Record<string, string>>,
  },
  badge: {
    direct: 'direct',
    connecting: 'connecting',
    reconnecting: 'reconnecting',
    relayed: 'relayed via lanline',
  },
  relayReason: {
    otherNetwork: 'other network',
    checksFailed: 'direct checks failed',
  } satisfies Record<RelayReason, string>,
  badgeName: (state: string, detail: string) => `Media path: ${state}${detail ? `, ${detail}` : ''}`,
  milliseconds: (value: number) => (value < 1 ? '< 1 ms' : `${Math.round(value)} ms`),
  hiddenAddress: 'hidden',
  ownHiddenAddress: 'this device',

  facts: 'About this connection',
  factsDirect: 'Sound and picture go straight from device to device, encrypted. lanline does not carry them.',
  factsRelayed: {
    otherNetwork:
      'The other device is on another network, and the two do not reach each other. lanline passes sound and picture on between them, encrypted from device to device, until the call ends.',
    checksFailed:
      'The two devices do not reach each other. lanline passes sound and picture on between them, encrypted from device to device, until the call ends.',
  } satisfies Record<RelayReason, string>,
  factsEncrypted: (version: string) =>
    `Only the two devices have the keys${version ? ` (${version})` : ''}. If both show the same two fingerprints, nobody stands in between.`,
  factsBy: 'So says this device’s browser. The owner’s console shows whether the other end agrees.',
  factsPending: 'The two devices are looking for a way to each other.',
  factRows: {
    path: 'Path',
    here: 'This device',
    there: 'Other device',
    protocol: 'Transport',
    relayProtocol: 'To the relay by',
    rtt: 'Round trip',
    ice: 'ICE',
    gathering: 'ICE gathering',
    connection: 'Connection',
    dtls: 'DTLS',
    dtlsCipher: 'Cipher',
    srtpProfile: 'Media cipher',
    localFingerprint: 'Fingerprint here',
    remoteFingerprint: 'Fingerprint there',
  },
  factsEncryption: 'Encryption',
  factsStates: 'States',
  streams: 'Streams',
  streamHead: ['Stream', 'Packets', 'Bytes', 'Lost'] as const,
  stream: (direction: 'sent' | 'received', kind: 'audio' | 'video') =>
    `${kind === 'audio' ? 'Sound' : 'Picture'} ${direction}`,
  notSaid: 'this browser does not say',
  close: 'Close',

  microphone: 'Microphone',
  camera: 'Camera',
  speaker: 'Speaker',
  hearing: {
    notYet: 'Say something: nothing was heard yet.',
    yes: 'It hears you.',
    gone: 'This microphone gives no sound any more.',
    muted: 'You are muted.',
  },
  systemChoice: 'As the system chooses',
  unnamed: (kind: string, number: number) => `${kind} ${number}`,
  allowDevices: 'Show device names',

  searching: 'The two devices do not reach each other yet. Still trying…',
  relayRefused: {
    off: (name: string) =>
      `Your device and ${name}’s do not reach each other, and lanline may not pass calls on here. Join the same network as ${name}, or ask the owner to switch the relay on.`,
    sameNetwork: (name: string) =>
      `Your device and ${name}’s are on the same network but do not reach each other. A guest Wi-Fi or a firewall may keep them apart: try another network, or ask the owner.`,
    unknownAddress: (name: string) =>
      `Your device and ${name}’s do not reach each other, and lanline does not see where ${name} is. Try again.`,
    full: (name: string) =>
      `Your device and ${name}’s do not reach each other, and lanline passes on as many calls as it can. Try again later.`,
    failed: (name: string) =>
      `Your device and ${name}’s do not reach each other, and the relay did not start. Try again; if it stays so, tell the owner.`,
  } satisfies Record<RelayRefusal, (name: string) => string>,

  dismiss: 'Dismiss',
  endedWith: (name: string, seconds: number) =>
    seconds > 0 ? `Call with ${name} ended after ${clock(seconds)}.` : `Call with ${name} ended.`,

  problem: {
    microphoneDenied:
      'The browser may not use the microphone. Allow it behind the symbol beside the address, then try again.',
    noMicrophone: 'No microphone found: the other side hears a test source.',
    microphoneBusy: 'Another program holds the microphone: the other side hears a test source.',
    cameraDenied:
      'The browser may not use the camera: sound only. Allow it behind the symbol beside the address.',
    noCamera: 'No camera found: sound only.',
    cameraBusy: 'Another program holds the camera: sound only.',
    insecure: 'Browsers open the microphone on secure pages only. Open this page by its https:// address.',
  } satisfies Record<MediaProblem, string>,
} as const

/**
 * What a person is told when a call is over; empty for what needs no words: a missed call stands among the missed ones.
 * `caller`: whose call it was, where not their own.
 */
export function endText(
  reason: EndReason,
  by: 'self' | 'peer' | 'server',
  name: string,
  talkedSeconds: number,
  outgoing: boolean,
  caller = 'you',
): string {
  switch (reason) {
    case 'hangup':
      return texts.endedWith(name, talkedSeconds)
    case 'declined':
      return by === 'self' ? '' : `${name} declined.`
    case 'busy':
      return by === 'self' && !outgoing
        ? ''
        : `${name} is busy in another call. They will see that ${caller} called.`
    case 'cancelled':
      return ''
    case 'noAnswer':
      return outgoing ? `Nobody there: ${name} did not answer.` : ''
    case 'answeredElsewhere':
      return ''
    case 'unreachable':
      return `${name}’s page is closed and no phone of theirs is on. They will see that ${caller} called.`
    case 'doNotDisturb':
      return `${name} does not want to be disturbed now. They will see that ${caller} called.`
    case 'notFound':
      return `${name} is not on this lanline any more.`
    case 'mediaLost':
      return `The connection to ${name} was lost.`
    case 'mediaFailed':
      return `The two devices found no way to each other. Are both on the same network?`
    case 'lost':
      return `The call with ${name} was lost while lanline was away.`
    // Told by the appliance it is the other one's: of a right of our own that has ended the line says so.
    case 'revoked':
      return by === 'self'
        ? 'This device was removed by the owner.'
        : `${name}’s device was removed, or their time as a guest is over.`
    case 'guestOver':
      return by === 'self'
        ? texts.guestOverTitle
        : `${name}’s time as a guest is over.${talkedSeconds > 0 ? ' The call ended with it.' : ''}`
    case 'failed':
      return `The call to ${name} did not work. Try again.`
  }
}

/** Why the other party, `name`, was not transferred to `to`. The call with them goes on. */
export function transferFailedText(reason: EndReason | undefined, name: string, to: string): string {
  switch (reason) {
    case 'cancelled':
      return `${name} stays with you.`
    case 'lost':
      return `Whether ${to} answered is not known.`
    case 'declined':
    case 'busy':
    case 'noAnswer':
    case 'unreachable':
    case 'doNotDisturb':
      return endText(reason, 'peer', to, 0, true, name)
    case 'notFound':
      return `${name} cannot be transferred to ${to}: a guest reaches only people in their own list.`
    default:
      return `${name} could not be transferred: not every phone can be.`
  }
}

/** `0:07`, `12:34`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(whole / 3_600)
  const minutes = Math.floor(whole / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** When a call was missed, in the reader's own way of writing times. */
export function moment(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString()
  return isToday ? timeOf(at) : `${dateOf(at)}, ${timeOf(at)}`
}

/** `Today`, `Yesterday`, `Sat 21 Nov`. */
export function dayOf(at: number, now: number): string {
  const day = new Date(at).toDateString()
  const yesterday = new Date(now)
  yesterday.setDate(yesterday.getDate() - 1)
  if (day === new Date(now).toDateString()) return texts.history.today
  return day === yesterday.toDateString() ? texts.history.yesterday : dateOf(at)
}

export const timeOf = (at: number): string =>
  new Date(at).toLocaleTimeString(undefined, { hour: 'numeric', minute: '2-digit' })

const dateOf = (at: number): string =>
  new Date(at).toLocaleDateString(undefined, { weekday: 'short', day: 'numeric', month: 'short' })

/** Says for whom a call is, where that is somebody else than who reads it. */
export const withCalledFor = (text: string, calledFor: string | undefined): string =>
  calledFor === undefined ? text : `${text} ${texts.calledFor(calledFor)}`
