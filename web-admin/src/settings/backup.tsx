/** One encrypted file with everything; the way back names what it holds before it replaces anything. */
import { useState } from 'preact/hooks'
import type { BackupRequest, RestoreApplied } from '../../../src/admin/message.ts'
import type { Manifest } from '../../../src/backup/message.ts'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { Card } from '../parts/card.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { dated } from '../parts/time.tsx'
import { attempt, toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { settings } from '../texts/settings.ts'

const dayMilliseconds = 86_400_000

export function Backup() {
  const [restores, setRestores] = useState(false)
  return (
    <Card title={settings.backup} name="backup">
      <p class="soft">{settings.backupBody}</p>
      {!restores && <Make />}
      <Restore onOpen={setRestores} />
    </Card>
  )
}

function Make() {
  const { api } = useConsole()
  return (
    <Form
      submit={settings.makeBackup}
      label={settings.makeBackup}
      onSubmit={async values => {
        const body: BackupRequest = { passphrase: values.passphrase ?? '' }
        const { blob, name } = await api.file('/backup', body)
        save(blob, name)
        toast(settings.backupMade(name))
      }}
    >
      <Field
        label={settings.passphrase}
        name="passphrase"
        type="password"
        required
        minLength={12}
        maxLength={1_024}
        autocomplete="new-password"
        hint={settings.passphraseHint}
      />
    </Form>
  )
}

/** `onOpen`: the form for making one has nothing to do with it, and goes meanwhile. */
function Restore({ onOpen }: { readonly onOpen: (open: boolean) => void }) {
  const { api, live } = useConsole()
  const people = useLive(live).people ?? []
  const [manifest, setManifest] = useState<Manifest>()
  const [asking, setAsking] = useState(false)
  const [done, setDone] = useState<RestoreApplied>()
  const { containsLine } = settings
  if (done !== undefined) {
    return (
      <p class="note good" role="status">
        {done.restarts ? settings.restored : settings.restoreManual}
      </p>
    )
  }
  return (
    <details class="restore" onToggle={event => onOpen(event.currentTarget.open)}>
      <summary>{settings.restoreTitle}</summary>
      {manifest === undefined && (
        <Form
          submit={settings.look}
          label={settings.restoreTitle}
          onSubmit={async (values, form) => {
            const { files } = form.elements.namedItem('file') as HTMLInputElement
            const headers = { 'x-backup-passphrase': encodeURIComponent(values.restorePassphrase ?? '') }
            setManifest(await api.upload<Manifest>('/restore', files![0]!, headers))
          }}
        >
          <Field label={settings.restoreFile} name="file" type="file" required />
          <Field
            label={settings.restorePassphrase}
            name="restorePassphrase"
            type="password"
            required
            maxLength={1_024}
          />
        </Form>
      )}
      <div role="status" class="told">
        {manifest !== undefined && (
          <div class="stack">
            <p>{settings.contains}</p>
            <ul class="bullets">
              <li>{containsLine.place(manifest.place)}</li>
              <li>{containsLine.madeAt(dated(manifest.madeAt))}</li>
              <li>{containsLine.version(manifest.version)}</li>
              <li>{containsLine.users(manifest.users)}</li>
              <li>{containsLine.devices(manifest.devices)}</li>
              <li>{containsLine.calls(manifest.calls)}</li>
            </ul>
            <div>
              <p>
                {settings.hereNow(
                  people.length,
                  people.reduce((sum, { devices }) => sum + devices.length, 0),
                )}
              </p>
              <p>{settings.age(Math.floor((Date.now() - manifest.madeAt) / dayMilliseconds))}</p>
            </div>
            <div class="buttons">
              <button type="button" class="button danger" onClick={() => setAsking(true)}>
                {settings.restore}
              </button>
              <button
                type="button"
                class="button quiet"
                onClick={() =>
                  void attempt(async () => {
                    await api.delete('/restore')
                    setManifest(undefined)
                  })
                }
              >
                {common.cancel}
              </button>
            </div>
          </div>
        )}
        {asking && (
          <Confirm
            title={settings.restoreConfirm}
            lost={settings.restoreLost}
            confirm={settings.restore}
            onClose={() => setAsking(false)}
            onConfirm={async () => setDone(await api.post<RestoreApplied>('/restore/apply', {}))}
          />
        )}
      </div>
    </details>
  )
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
