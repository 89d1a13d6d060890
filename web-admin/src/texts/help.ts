/** The words of Help. What failed, why and what to do come from the appliance. */
export const helpTexts = {
  ask: 'What went wrong?',
  askLead: 'Choose whose trouble it is and when it was. One sentence says what failed, and what to do.',
  person: 'Who',
  choose: 'Choose a person',
  when: 'When',
  now: 'Just now',
  at: 'At a time',
  time: 'Time',
  look: 'Look again',
  looking: 'Looking …',
  nothing: (name: string) => `Nothing failed for ${name}, as far as anything is known of that time.`,
  nothingMore:
    'If something did: call again, then look here at once. A test with the echo shows whether sound and picture work.',
  stages: {
    signalling: 'Signalling',
    network: 'Network',
    security: 'Security',
    media: 'Media',
    data: 'Data',
  },
  stagesAbout: {
    signalling: 'finding each other and ringing',
    network: 'a way between the two devices',
    security: 'passwords, certificates, encryption',
    media: 'sound and picture',
    data: 'what is kept of it',
  },
  stage: 'Where it stopped',
  failedHere: 'failed here',
  poorHere: 'poor here',
  evidence: 'Evidence',
  fix: 'What to do',
  since: 'Since',
  until: 'until',
  toCall: 'Open the call',
  also: 'Also found',
  calls: 'Calls around that time',
  noCalls: 'No call around that time.',

  networks: 'Which networks reach which',
  networksLead: (calls: number) =>
    calls === 1
      ? 'From the newest call that was answered.'
      : `From the newest ${calls} calls that were answered.`,
  networksNone:
    'No call between two devices yet. After the first ones this shows which networks reach which.',
  networksUnknown: (count: number) =>
    count === 1
      ? 'Of one call it is not known where the two were.'
      : `Of ${count} calls it is not known where the two were.`,
  network: 'Network',
  within: (name: string) => `within ${name}`,
  between: (one: string, other: string) => `${one} and ${other}`,
  none: 'no call',
  direct: (count: number) => `${count} direct`,
  relayed: (count: number) => `${count} relayed`,
  failed: (count: number) => `${count} failed`,
  reasons: 'Why not direct',
  example: 'Newest such call',
  refusals: {
    'relay: off': 'relaying is turned off',
    'relay: sameNetwork': 'they are on one network and did not reach each other',
    'relay: unknownAddress': 'one of them had no address that could be relayed to',
    'relay: full': 'the relay was full',
    'relay: failed': 'the relay did not answer',
    'relay: mediaFailed': 'no way was found',
  } as Readonly<Record<string, string>>,

  tools: 'Tools',
  echo: 'Test with the echo',
  echoAbout:
    'Calls the built-in person who repeats what you say: tests this device’s microphone, camera and network.',
  diagnostics: 'Download diagnostics',
  diagnosticsAbout:
    'A file to pass on when you ask somebody for help: version, settings, health, recent refusals, newest calls and log. No passwords, keys or tokens; names of people and devices are in it.',
  restart: 'Restart lanline',
  restartAbout: 'Calls in progress go on; phones connect again by themselves within seconds.',
  restartImpossible:
    'Nothing here would start lanline again, so it cannot be restarted from this page: stop and start it where you started it.',
  restartTitle: 'Restart lanline?',
  restartLost: [
    'Calls that are ringing right now are cut off.',
    'This page is away for some seconds.',
    'Everybody is logged out of the console.',
  ],
  restartDone: 'Restarting. Log in again in some seconds.',
} as const
