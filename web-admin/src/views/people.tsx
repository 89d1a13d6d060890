/** People and the devices they may call with. */
import { useState } from 'preact/hooks'
import type { Device, User } from '../../../src/admin/message.ts'
import type { Api } from '../api.ts'
import { Card, Danger, Field, Form } from '../parts.tsx'
import { presenceWords, when } from '../words.ts'

interface Common {
  readonly api: Api
  readonly onChanged: () => Promise<void>
}

export function People(props: Common & { readonly users: readonly User[] | undefined }) {
  const { api, users, onChanged } = props
  return (
    <Card title="People and devices" count={users?.length}>
      {users === undefined && <p role="status">One moment …</p>}
      <ul class="plain">
        {users?.map(user => (
          <Person key={user.name} user={user} api={api} onChanged={onChanged} />
        ))}
      </ul>
      <AddPerson api={api} onChanged={onChanged} />
    </Card>
  )
}

function Person({ user, api, onChanged }: Common & { readonly user: User }) {
  const [editing, setEditing] = useState<'' | 'name' | 'sip'>('')
  const done = async () => {
    setEditing('')
    await onChanged()
  }
  const path = `/users/${user.name}`
  const [failure, setFailure] = useState('')
  const change = async (body: object) => {
    try {
      await api.patch(path, body)
      setFailure('')
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
    await onChanged()
  }
  return (
    <li class="item tall">
      <div class="line">
        <div>
          <span class={`dot ${user.presence}`} aria-hidden="true" />
          <strong>{user.displayName}</strong>{' '}
          <span class="quiet">
            {user.name} · {presenceWords[user.presence]}
            {user.role === 'owner' && ' · owner'}
            {user.expiresAt !== undefined && ` · guest until ${when(user.expiresAt)}`}
          </span>
        </div>
        <div class="buttons">
          <button type="button" aria-label={`Rename ${user.displayName}`} onClick={() => setEditing('name')}>
            Rename
          </button>
          {user.role === 'guest' ? (
            <button
              type="button"
              aria-label={`${user.displayName} stays for good`}
              onClick={() => void change({ staySeconds: null })}
            >
              Stay for good
            </button>
          ) : (
            <button
              type="button"
              aria-label={`SIP password of ${user.displayName}`}
              onClick={() => setEditing('sip')}
            >
              SIP password
            </button>
          )}
          {user.role !== 'owner' && (
            <Danger
              label="Remove"
              about={user.displayName}
              question={`Remove ${user.displayName} with all devices? Their calls end at once.`}
              onConfirm={async () => {
                await api.delete(path)
                await onChanged()
              }}
            />
          )}
        </div>
      </div>
      {user.role !== 'guest' && (
        <label class="inline check">
          <input
            type="checkbox"
            checked={user.seenByGuests}
            aria-label={`Guests may call ${user.displayName}`}
            onChange={event => void change({ seenByGuests: event.currentTarget.checked })}
          />
          <span>Guests may call</span>
        </label>
      )}
      <p class="failure" role="alert">
        {failure}
      </p>
      {editing === 'name' && (
        <Form
          submit="Save"
          label={`Rename ${user.displayName}`}
          onCancel={() => setEditing('')}
          onSubmit={async values => {
            await api.patch(path, { displayName: values.displayName })
            await done()
          }}
        >
          <Field label="Name" name="displayName" value={user.displayName} required maxLength={64} />
        </Form>
      )}
      {editing === 'sip' && (
        <Form
          submit="Save"
          label={`SIP password of ${user.displayName}`}
          onCancel={() => setEditing('')}
          onSubmit={async values => {
            await api.patch(path, { sipPassword: values.sipPassword })
            await done()
          }}
        >
          <Field
            label="SIP password"
            name="sipPassword"
            type="password"
            required
            minLength={6}
            maxLength={128}
            autocomplete="new-password"
            hint={`In the phone: server ${location.hostname}, user ${user.name}, and this password. It is not shown again.`}
          />
        </Form>
      )}
      <ul class="plain devices">
        {user.devices.map(device => (
          <DeviceLine key={device.id} device={device} api={api} onChanged={onChanged} />
        ))}
        {user.devices.length === 0 && <li class="quiet">No device yet.</li>}
      </ul>
    </li>
  )
}

const kinds = { page: 'browser', app: 'app', sip: 'SIP phone' } as const

function DeviceLine({ device, api, onChanged }: Common & { readonly device: Device }) {
  const [renaming, setRenaming] = useState(false)
  const path = `/devices/${device.id}`
  const kind = kinds[device.kind].toLowerCase() === device.name.toLowerCase() ? '' : kinds[device.kind]
  const state = device.reachable
    ? `reachable${device.address ? ` at ${device.address}` : ''}${device.transport ? `, ${device.transport}` : ''}`
    : device.lastSeenAt === undefined
      ? 'not seen yet'
      : `last seen ${when(device.lastSeenAt)}`
  return (
    <li class="line">
      <div>
        {device.name}{' '}
        <span class="quiet">
          {kind && `${kind} · `}
          {state}
        </span>
      </div>
      <div class="buttons small">
        <button type="button" aria-label={`Rename device ${device.name}`} onClick={() => setRenaming(true)}>
          Rename
        </button>
        <Danger
          label="Revoke"
          about={`device ${device.name}`}
          question={`Revoke ${device.name}? It is disconnected at once and has to be enrolled again.`}
          onConfirm={async () => {
            await api.delete(path)
            await onChanged()
          }}
        />
      </div>
      {renaming && (
        <Form
          submit="Save"
          label={`Rename device ${device.name}`}
          onCancel={() => setRenaming(false)}
          onSubmit={async values => {
            await api.patch(path, { name: values.name })
            setRenaming(false)
            await onChanged()
          }}
        >
          <Field label="Name of the device" name="name" value={device.name} required maxLength={64} />
        </Form>
      )}
    </li>
  )
}

function AddPerson({ api, onChanged }: Common) {
  const add = async (values: Readonly<Record<string, string>>) => {
    await api.post('/users', {
      name: values.name,
      ...(values.displayName ? { displayName: values.displayName } : {}),
      ...(values.sipPassword ? { sipPassword: values.sipPassword } : {}),
    })
    await onChanged()
  }
  return (
    <details>
      <summary>Add a person</summary>
      <Form submit="Add" label="Add a person" onSubmit={add}>
        <Field
          label="Short name"
          name="name"
          required
          maxLength={32}
          pattern="[a-z0-9]([a-z0-9.\-]*[a-z0-9])?"
          hint="Small letters, digits, - and . — also their SIP address."
        />
        <Field
          label="Full name"
          name="displayName"
          maxLength={64}
          hint="As others see it. May be left empty."
        />
        <Field
          label="SIP password"
          name="sipPassword"
          type="password"
          minLength={6}
          maxLength={128}
          autocomplete="new-password"
          hint="Only for a SIP phone. For a browser make an invitation instead."
        />
      </Form>
    </details>
  )
}
