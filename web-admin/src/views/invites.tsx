/** Links that let one device in each. */
import { useState } from 'preact/hooks'
import type { Invite, User } from '../../../src/admin/message.ts'
import type { Api } from '../api.ts'
import { Qr } from '../parts/qr.tsx'
import { Card, Form, usePolled } from '../parts.tsx'
import { when } from '../words.ts'

export function Invites({ api, users }: { readonly api: Api; readonly users: readonly User[] }) {
  const open = usePolled(() => api.get<Invite[]>('/invites'), 15)
  const [made, setMade] = useState<Invite>()
  const [copied, setCopied] = useState(false)
  const nameOf = (user: string | undefined) =>
    user === undefined ? 'somebody new' : (users.find(person => person.name === user)?.displayName ?? user)
  const invite = async (values: Readonly<Record<string, string>>) => {
    setMade(
      await api.post<Invite>('/invites', {
        ...(values.user ? { user: values.user } : {}),
        hours: Number(values.hours),
        ...(values.stay && !values.user ? { staySeconds: Number(values.stay) } : {}),
      }),
    )
    setCopied(false)
    await open.reload()
  }
  const withdraw = async (id: string) => {
    await api.delete(`/invites/${id}`).catch(() => {})
    if (made?.id === id) setMade(undefined)
    await open.reload()
  }
  return (
    <Card title="Invite">
      <Form submit="Make a link" label="Make an invitation" onSubmit={invite}>
        <p class="field">
          <label for="invite-user">For</label>
          <select id="invite-user" name="user">
            <option value="">somebody new</option>
            {users.map(user => (
              <option key={user.name} value={user.name}>
                {user.displayName}
              </option>
            ))}
          </select>
        </p>
        <p class="field">
          <label for="invite-hours">Good for</label>
          <select id="invite-hours" name="hours">
            <option value="72">three days</option>
            <option value="1">an hour</option>
            <option value="720">thirty days</option>
          </select>
        </p>
        <p class="field">
          <label for="invite-stay">Somebody new stays</label>
          <select id="invite-stay" name="stay">
            <option value="">for good</option>
            <option value="86400">a day, as a guest</option>
            <option value="259200">three days, as a guest</option>
            <option value="1209600">two weeks, as a guest</option>
          </select>
        </p>
      </Form>
      {made?.url && (
        <div class="made" role="status">
          <p>
            For {nameOf(made.user)}, once, until {when(made.expiresAt)}. This link is shown only now:
          </p>
          <Qr text={made.url} label="QR code of the invitation" />
          <p>
            <code class="link">{made.url}</code>
          </p>
          <button
            type="button"
            onClick={async () => {
              await navigator.clipboard.writeText(made.url!)
              setCopied(true)
            }}
          >
            {copied ? 'Copied' : 'Copy link'}
          </button>
        </div>
      )}
      <ul class="plain">
        {open.value?.map(entry => (
          <li key={entry.id} class="line">
            <span>
              {nameOf(entry.user)} <span class="quiet">until {when(entry.expiresAt)}</span>
            </span>
            <button
              type="button"
              aria-label={`Withdraw the invitation for ${nameOf(entry.user)}`}
              onClick={() => void withdraw(entry.id)}
            >
              Withdraw
            </button>
          </li>
        ))}
      </ul>
    </Card>
  )
}
