/** What one may call with: every device of this person, to be named and removed. */
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Device, Softphone } from '../../../src/admin/message.ts'
import { listDevices, removeDevice, renameDevice, thisDevice } from '../own-devices.ts'
import { Dialog } from '../parts/dialog.tsx'
import { moment, texts } from '../texts.ts'
import { AddDevice } from './add-device.tsx'
import { AddSoftphone, WhatToType } from './softphone.tsx'

export function MyDevices({ onClose }: { readonly onClose: () => void }) {
  const [devices, setDevices] = useState<readonly Device[]>()
  const [made, setMade] = useState<Softphone>()
  const [failure, setFailure] = useState('')
  const load = useCallback(async () => {
    try {
      const now = await listDevices()
      setDevices(now)
      // What to type is of no use for one that was removed.
      setMade(last => (now.some(({ id }) => id === last?.device) ? last : undefined))
      setFailure('')
    } catch (error) {
      setFailure((error as Error).message || texts.refused.unreachable)
    }
  }, [])
  useEffect(() => void load(), [load])
  const act = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error: Error) => setFailure(error.message || texts.refused.unreachable))
    await load()
  }
  return (
    <Dialog title={texts.myDevices} wide={made !== undefined} onClose={onClose}>
      {made && <WhatToType phone={made} onAdded={load} />}
      <p class="form-notice" role="alert">
        {failure}
      </p>
      {devices === undefined && !failure && <p role="status">{texts.starting}</p>}
      <ul class="rows">
        {devices?.map(device => (
          <OneDevice key={device.id} device={device} act={act} />
        ))}
      </ul>
      {devices && (
        <section class="additions" aria-labelledby="add">
          <h3 id="add">{texts.addTitle}</h3>
          <AddDevice devices={devices} reload={load} />
          {made === undefined && <AddSoftphone onAdded={setMade} reload={load} />}
        </section>
      )}
    </Dialog>
  )
}

function OneDevice({
  device,
  act,
}: {
  readonly device: Device
  readonly act: (work: Promise<unknown>) => Promise<void>
}) {
  const [asking, setAsking] = useState<'' | 'name' | 'remove'>('')
  const isThis = device.id === thisDevice()
  const state = device.reachable
    ? texts.deviceHere
    : device.lastSeenAt === undefined
      ? texts.deviceNever
      : texts.deviceSeen(moment(device.lastSeenAt, Date.now()))
  return (
    <li class="device">
      <div class="row small">
        <div class="who">
          <strong>{device.name}</strong>
          <span>{isThis ? texts.thisDevice : state}</span>
        </div>
        <button
          type="button"
          class="text-button"
          aria-label={texts.renameName(device.name)}
          onClick={() => setAsking('name')}
        >
          {texts.rename}
        </button>
        {!isThis && (
          <button
            type="button"
            class="text-button"
            aria-label={texts.removeName(device.name)}
            onClick={() => setAsking('remove')}
          >
            {texts.remove}
          </button>
        )}
      </div>
      {asking === 'name' && (
        <form
          class="inline-form"
          onSubmit={event => {
            event.preventDefault()
            const name = new FormData(event.currentTarget).get('name')
            setAsking('')
            void act(renameDevice(device.id, String(name)))
          }}
        >
          <label class="field">
            <span>{texts.deviceName}</span>
            <input name="name" type="text" defaultValue={device.name} maxlength={64} required />
          </label>
          <button type="submit" class="button primary">
            {texts.save}
          </button>
        </form>
      )}
      {asking === 'remove' && (
        <div class="inline-form" role="alert">
          <p>{texts.removeQuestion(device.name)}</p>
          <button
            type="button"
            class="button primary"
            onClick={() => {
              setAsking('')
              void act(removeDevice(device.id))
            }}
          >
            {texts.remove}
          </button>
          <button type="button" class="button" onClick={() => setAsking('')}>
            {texts.keep}
          </button>
        </div>
      )}
    </li>
  )
}
