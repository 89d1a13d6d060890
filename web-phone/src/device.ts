/** Names for this browser, for the owner's list of devices. Guesses: nothing depends on them. */

const browsers: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/SamsungBrowser\//, 'Samsung Internet'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]

const systems: readonly (readonly [RegExp, string])[] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'Mac'],
  [/CrOS/, 'Chromebook'],
  [/Linux/, 'Linux'],
]

/** `Chrome on Android`. */
export function deviceName(userAgent: string): string {
  return `${nameIn(browsers, userAgent, 'Browser')} on ${nameIn(systems, userAgent, 'this device')}`
}

/** How the page introduces itself on the channel. */
export function pageName(userAgent: string): string {
  return `lanline page (${deviceName(userAgent)})`
}

function nameIn(table: readonly (readonly [RegExp, string])[], userAgent: string, otherwise: string): string {
  return table.find(([pattern]) => pattern.test(userAgent))?.[1] ?? otherwise
}
