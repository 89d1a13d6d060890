export const visit = {
  welcome: 'Welcome to lanline',
  lead: 'This appliance belongs to nobody yet. Whoever fills this in becomes its owner.',
  resetTitle: 'Whose is it now?',
  resetLead: 'A file on the card asked for a new owner. People, devices and calls are all still here.',
  open: 'It was started just now, so no code is needed from this network. Later the setup code is asked for.',
  code: 'Setup code',
  codeHint: 'XXXX-XXXX: where lanline was started, in its log, or in lanline-setup.txt on the card.',
  place: 'What is this place called?',
  placeHint: 'For example: Mill Lane 4',
  yourName: 'Your name',
  yourNameHint: 'As others see it when you call. This browser becomes your first phone.',
  yourNameAgain: 'If this was yours before: the name you had, and all that was yours is yours again.',
  password: 'Password for this console',
  passwordHint: 'At least 10 characters.',
  submit: 'Make it mine',
  toLogin: 'To the login',

  mine: 'It is yours now, and this browser is your first phone.',
  logInAs: (name: string) => `In any other browser, log in to this console as ${name}.`,
  step: (number: number, of: number) => `Step ${number} of ${of}`,
  skipRest: 'Skip the rest',
  next: 'Continue',

  trustTitle: 'Should your devices trust this appliance?',
  trustBody:
    'It makes its own certificate, which no authority on the internet knows. Each browser warns once, or you install the certificate once on each device and no warning comes.',
  trustHere: (url: string) => `On each device, open ${url} and choose “Trust for good”.`,
  trustFile: 'Certificate for this computer',
  trustProfile: 'For iPhone, iPad and Mac',
  fingerprint: 'Its SHA-256 fingerprint, to compare',

  namesTitle: 'Show names on the network?',
  namesBody:
    'Other phones and programs here then find people by themselves, as printers are found. Everybody on this network can read the names.',
  namesYes: 'Show names',
  namesNo: 'Do not show them',

  phonesTitle: 'Let the others in',
  phonesBody: 'Scan this with a phone on the same network. It asks for a name, and you are asked here.',
  phonesInvite:
    'Here one joins by invite only. Make an invitation for each person on the page People, when you are done here.',
  phonesLink: 'Or type this address',
  phonesAddress: 'the address',
  qrLabel: (url: string) => `QR code of ${url}`,
  nobodyYet: 'Nobody has asked yet. This page shows it at once.',
  asks: (name: string, device: string) => `${name} asks to join with ${device}.`,
  allow: 'Allow',
  allowName: (name: string) => `Allow ${name}`,
  joined: (names: readonly string[]) => `Here so far: ${names.join(', ')}`,

  testTitle: 'Try your phone',
  testBody:
    'The check calls the echo, which sends back what it hears and sees. It takes a quarter of a minute and asks for microphone and camera.',
  testStart: 'Test with echo',
  done: 'To the console',
} as const
