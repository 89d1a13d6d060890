/** The first three names, and how many more there are. */
const fewOf = (names: readonly string[]): string =>
  names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')

export const settings = {
  onThisPage: 'On this page',
  title: 'Settings',
  saved: 'Saved.',

  place: 'This place',
  placeName: 'What is this place called?',
  hostname: 'Name on the network',
  hostnameHint:
    'Before .local. If another device has it already, a number is put behind it. Bookmarks and codes change with it.',
  showNames: 'Show names on the network',
  showNamesHint: 'Other phones and programs here then find people by themselves.',

  policies: 'What is allowed',
  enrol: 'How somebody new joins',
  enrols: [
    ['approve', 'the owner allows, or by invite'],
    ['invite', 'by invite only'],
    ['open', 'whoever reaches the page'],
  ] as const,
  relay: 'When the relay carries a call',
  relayHint: 'Only after its direct connection failed, and only for its two devices. For calls from now on.',
  relays: [
    ['cross-vlan', 'between different networks'],
    ['on-failure', 'whenever there is no direct way'],
    ['off', 'never'],
  ] as const,
  retain: 'Days the call log is kept',
  retainHint: 'Older calls are removed with their traces within the hour.',
  setIn: (where: string) => `Set in ${where}; change it there.`,

  network: 'Addresses and ports',
  networkHint: (where: readonly string[]) =>
    where.length === 0
      ? 'Ports are set in the configuration file or the environment, and change at a restart.'
      : `Set in ${where.join(' and ')}; a change there counts from the next restart on.`,
  address: 'Addresses',
  ports: {
    'http.port': 'Door page (HTTP)',
    'http.tls_port': 'Pages (HTTPS)',
    'sip.port': 'SIP over UDP and TCP',
    'sip.tls_port': 'SIP over TLS',
    'turn.port': 'Relay (STUN, TURN)',
    'turn.tls_port': 'Relay over TLS',
  } as Readonly<Record<string, string>>,
  byDefault: 'by default',
  setBy: (key: string) => `set as ${key}`,

  certificate: 'Certificate',
  lanlines: 'lanline’s own',
  until: 'Valid until',
  names: 'Speaks for',
  fingerprint: 'Authority’s fingerprint (SHA-256)',
  renewed: 'It is renewed by itself, also when names or addresses change.',
  trust: 'For devices that should trust this appliance:',
  crt: 'Certificate',
  mobileconfig: 'For iPhone, iPad and Mac',
  pem: 'For SIP phones (PEM)',
  ownCertificate: {
    title: 'Your certificate',
    bring: 'Use a certificate of your own',
    another: 'Put another in its place',
    lead: 'For a name of your own that leads here, such as phone.example.com. It is looked through first, and nothing changes before you say so.',
    file: 'Certificate (PEM)',
    fileHint: 'The certificate first, then those between it and its authority; often called fullchain.pem.',
    key: 'Private key (PEM)',
    keyHint: 'Without a password. It is kept as the other keys are: here and in backups, and shown nowhere.',
    look: 'Look through it',
    fits: 'The key fits, the chain is whole, and the dates are right. Nothing is changed yet.',
    found: 'The one you chose',
    changes: 'This is what would change',
    issuer: 'Signed by',
    known: 'Browsers know this authority.',
    unknown: 'Only devices that trust this authority take it.',
    shownFor: (names: string) =>
      `Whoever opens ${names} is shown your certificate, at once and without a restart.`,
    leaves: (names: readonly string[]) =>
      `For ${fewOf(names)} lanline’s own goes on: devices that trust it notice nothing.`,
    takesOver: (names: string) =>
      `For ${names} it takes the place of lanline’s own: phones and programs that trust only lanline’s authority no longer connect by that name.`,
    yours: 'lanline cannot renew it. Home says so three weeks before it ends.',
    use: 'Use it',
    used: 'Your certificate is in use.',
    over: 'It has expired: browsers refuse whoever opens its names. Bring a newer one below, or go back to lanline’s own.',
    drop: 'Back to lanline’s own',
    dropTitle: 'Back to lanline’s own certificate?',
    dropLost: (names: string) =>
      `Whoever opens ${names} is warned by the browser. By the other names nothing changes.`,
    dropKey: 'Your certificate and its key are forgotten here. Backups that were made keep them.',
    dropped: 'lanline’s own certificate speaks alone again.',
    tooLarge: (name: string) => `${name} is too large: choose the PEM file of one certificate or key.`,
  },

  owners: 'Owners',
  ownersBody: 'A second owner can let people in and help when you have lost your password.',
  ownersMore: 'Make somebody owner on their page.',

  password: 'Your password',
  oldPassword: 'Old password',
  newPassword: 'New password',
  newPasswordHint: 'At least 10 characters.',
  changePassword: 'Change password',
  passwordChanged: 'Password changed. Your other sessions are logged out.',

  sessions: 'Logged in',
  sessionsHint: 'A restart of lanline logs everybody out of the console; phones stay.',
  thisOne: 'this browser',
  from: (address: string) => (address === '' ? 'this machine' : address),
  used: 'used',
  signOut: 'Sign out',
  signOutOf: (who: string) => `Sign out ${who}`,
  signedOut: 'Signed out.',

  backup: 'Backup and restore',
  backupBody:
    'One file with people, devices, calls and traces, settings, the certificate authority and all keys. Whoever has the file and its passphrase has everything: keep them apart.',
  passphrase: 'Passphrase',
  passphraseHint: 'At least 12 characters. Without it the file is worth nothing, and nobody can help.',
  makeBackup: 'Download a backup',
  age: (days: number) =>
    days < 1
      ? 'It is less than a day old. What was changed since then is not in it.'
      : `It is ${days === 1 ? 'a day' : `${days} days`} old. What was changed since then is not in it.`,
  hereNow: (people: number, devices: number) =>
    `Here now: ${people === 1 ? '1 person' : `${people} people`}, ${devices === 1 ? '1 device' : `${devices} devices`}.`,
  backupMade: (name: string) => `${name} is saved.`,
  restoreTitle: 'Restore a backup',
  restoreFile: 'Backup file',
  look: 'Look into it',
  restorePassphrase: 'Passphrase of the backup',
  contains: 'The backup is whole, and holds:',
  containsLine: {
    place: (place: string) => `Place: ${place || 'without a name'}`,
    madeAt: (when: string) => `Made: ${when}`,
    version: (version: string) => `By lanline ${version}`,
    users: (count: number) => `${count} people`,
    devices: (count: number) => `${count} devices`,
    calls: (count: number) => `${count} calls`,
  },
  restore: 'Restore',
  restoreConfirm: 'Replace everything by this backup?',
  restoreLost: [
    'People, devices, calls and settings as they are now are replaced. They stay on this machine as before-restore.db; to come back by this page, make a backup of now first.',
    'Calls in progress lose their signalling for a moment.',
    'Everybody is logged out of the console.',
  ] as const,
  restored: 'Restored. lanline starts again; log in with the password of the backup.',
  restoreManual: 'The backup is checked and laid ready. Restart lanline now, and it takes its place.',

  about: 'About',
  data: 'Data',
  log: 'Download the log',
  logHint: 'The last lines, without secrets.',
  help: 'Something does not work? See Help.',
  account: 'Your account',
  logOut: 'Log out',
} as const
