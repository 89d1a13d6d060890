export const update = {
  title: 'Version and update',
  version: 'Version',
  made: (build: string) => (build === '' ? '' : `(build ${build})`),

  howImage:
    'An update is one file; its name ends in .update, and it comes from where your lanline came from. It is verified before anything is written, and what runs stays until the new version is found good.',
  howPackage:
    'This lanline was installed as a package. Download the newer one and install it; data and phones stay.',
  packageCommand: 'sudo apt install ./lanline_<version>_<architecture>.deb',
  howSource:
    'This lanline runs from a checkout. Bring it up to date there and start it again; data and phones stay.',
  sourceCommand: 'git pull && ./scripts/start',

  file: 'Update file',
  fileHint: 'Nothing is installed before you say so.',
  upload: 'Upload and look into it',
  uploading: (percent: number) => `Uploading: ${percent} %`,
  looking: 'Looking through it …',
  cutOff: 'The connection ended before the file did. Upload it again.',

  ready: 'The update is whole and signed by the key that this machine trusts.',
  fromTo: (from: string, to: string) => `From lanline ${from} to lanline ${to}`,
  madeAt: (when: string) => `Made: ${when}`,
  size: (megabytes: number) => `Size: ${megabytes} MB`,
  notNewer: {
    newer: '',
    same: 'This is the version that runs already.',
    older: 'This is an older version than the one that runs.',
  },
  install: 'Install',
  installOf: (version: string) => `Install lanline ${version}?`,
  installLost: [
    'The machine starts again after some minutes. Direct calls in progress go on, relayed ones end, new ones wait until it is back.',
    'Everybody is logged out of the console.',
  ],
  changesWait: 'If the new version changes how data is kept, changes wait for the first minute after that.',
  understood: 'Install it although it is not newer',

  phases: {
    verifying: 'Verifying the update',
    writing: 'Writing it beside the version that runs',
    checking: 'Reading it back',
  } as Readonly<Record<string, string>>,
  percentOf: (phase: string, percent: number | undefined) =>
    `${phase}${percent === undefined ? ' …' : `: ${percent} %`}`,
  starting: 'The update is about to begin …',
  restarting: (version: string) =>
    `lanline ${version} starts now. This page comes back by itself, in a minute or two; then log in again.`,
  slow: 'It takes longer than usual. If the new version does not become well, the one before comes back by itself, within a quarter of an hour.',

  onTrial: (version: string) =>
    `lanline ${version} is being tried: when all has been well for a minute it stays, else the version before comes back by itself.`,
  onTrialWaits: 'Until then changes have to wait.',
  confirmed: (from: string, to: string) => `Updated from lanline ${from} to ${to}.`,
  wentBack: (from: string, to: string, why: string) =>
    `lanline ${to} was not well, so lanline ${from} came back by itself: ${why}.`,
  wentBackData: 'People, phones and settings are as they were before the update.',
  failed: (to: string, why: string) =>
    `The update${to === '' ? '' : ` to lanline ${to}`} was not installed: ${why}. Nothing has changed.`,
} as const
