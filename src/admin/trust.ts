/** How each system is told to trust the appliance, as steps for its user. HTML of ours, nothing from outside in it. */

export type System = 'ios' | 'macos' | 'android' | 'windows' | 'linux' | 'firefox'

/** Only a guess for showing the right steps: nothing else hangs on it. */
export function systemOf(userAgent: string): System {
  if (/iPhone|iPad|iPod/.test(userAgent)) return 'ios'
  if (/Android/.test(userAgent)) return 'android'
  // Firefox on computers keeps its own list of authorities.
  if (/Firefox\//.test(userAgent)) return 'firefox'
  if (/Macintosh|Mac OS X/.test(userAgent)) return 'macos'
  if (/Windows/.test(userAgent)) return 'windows'
  return 'linux'
}

const crt = '<a href="/lanline.crt" download>lanline.crt</a>'

export const trustSteps: Readonly<Record<System, readonly string[]>> = {
  ios: [
    'Download <a href="/lanline.mobileconfig">the profile</a> and allow it.',
    'Open <b>Settings</b>: <b>Profile Downloaded</b>, then <b>Install</b>.',
    'In <b>Settings › General › About › Certificate Trust Settings</b> switch it on.',
    'Come back to this page.',
  ],
  macos: [
    `Download ${crt} and open it: Keychain Access asks where to; take <b>login</b>.`,
    'Find it there, open it, and under <b>Trust</b> choose <b>Always Trust</b>.',
    'Come back to this page.',
  ],
  android: [
    `Download ${crt}.`,
    'Open <b>Settings › Security › More security settings › Install from device storage › CA certificate</b> (names differ a little), confirm, and choose the file.',
    'Come back to this page.',
  ],
  windows: [
    `Download ${crt} and open it, then <b>Install Certificate</b>, <b>Current User</b>.`,
    'Choose <b>Place all certificates in the following store</b>, <b>Browse</b>, <b>Trusted Root Certification Authorities</b>; finish and confirm.',
    'Come back to this page.',
  ],
  linux: [
    `Download ${crt}.`,
    'In Chromium or Chrome open <b>Settings › Privacy and security › Security › Manage certificates</b>, then <b>Local certificates › Installed by you › Trusted Certificates › Import</b>.',
    'Come back to this page.',
  ],
  firefox: [
    `Download ${crt}.`,
    'Open <b>Settings › Privacy &amp; Security › View Certificates › Authorities › Import</b>, choose the file, and tick <b>Trust this CA to identify websites</b>.',
    'Come back to this page.',
  ],
}
