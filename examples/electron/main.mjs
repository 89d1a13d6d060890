// Electron's side: one window on the appliance's own page, which trusts the appliance and nobody else.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { app, BrowserWindow, dialog, session } from 'electron'
import { openAppliance, vouches } from './appliance.ts'

await app.whenReady()
const file = join(app.getPath('userData'), 'lanline.json')
const known = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined

try {
  const { kept, origin } = await openAppliance(known, process.argv.at(-1))
  writeFileSync(file, JSON.stringify(kept), { mode: 0o600 })
  const own = session.fromPartition('persist:lanline')
  own.setCertificateVerifyProc(({ hostname, certificate }, answer) => {
    const chain = []
    for (let one = certificate; one && !chain.includes(one.data); one = one.issuerCert) chain.push(one.data)
    // 0 accepts, -2 refuses.
    answer(vouches(kept.authority, hostname, chain) ? 0 : -2)
  })
  const allowed = new Set(['media', 'notifications'])
  own.setPermissionRequestHandler((contents, permission, answer) => {
    answer(allowed.has(permission) && new URL(contents.getURL()).origin === origin)
  })
  const window = new BrowserWindow({ width: 420, height: 760, webPreferences: { session: own } })
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }))
  window.webContents.on('will-navigate', (event, url) => {
    if (new URL(url).origin !== origin) event.preventDefault()
  })
  // The page finds its right where it would have put it itself.
  window.webContents.once('dom-ready', () => {
    const right = JSON.stringify(JSON.stringify(kept.enrolment))
    void window.webContents.executeJavaScript(
      `localStorage.getItem('lanline.enrolment') || (localStorage.setItem('lanline.enrolment', ${right}), location.reload())`,
    )
  })
  await window.loadURL(`${origin}/`)
} catch (error) {
  dialog.showErrorBox('lanline', error.message)
  app.quit()
}
