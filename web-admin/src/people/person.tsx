/** One person: who they are here, what they call with, what they may. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { hoursText } from '../../../client/quiet-hours.ts'
import type { Network, User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { useLoaded } from '../load.ts'
import { Card, PageHead } from '../parts/card.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { Field, Form, Tick } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { Loading, Nothing } from '../parts/states.tsx'
import { when } from '../parts/time.tsx'
import { attempt, toast } from '../parts/toast.tsx'
import { goTo, hrefTo } from '../router.ts'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'
import { AlsoRingsDialog, namesOf } from './also-rings.tsx'
import { Devices } from './devices.tsx'
import { DoorDialog } from './door.tsx'
import { InviteDialog } from './invites.tsx'
import { Badges } from './list.tsx'
import { QuietHoursDialog } from './quiet-hours.tsx'
import { SoftphoneDialog } from './softphone.tsx'

type Open =
  | ''
  | 'rename'
  | 'number'
  | 'alsoRings'
  | 'door'
  | 'quietHours'
  | 'invite'
  | 'softphone'
  | 'off'
  | 'owner'
  | 'member'
  | 'password'
  | 'sip'
  | 'remove'

export function Person({ name }: { readonly name: string }) {
  const { live } = useConsole()
  const { people: users } = useLive(live)
  const user = users?.find(each => each.name === name)
  return (
    <>
      {(users === undefined || user !== undefined) && (
        <a class="back" href={hrefTo('people')}>
          <Icon name="back" /> {people.back}
        </a>
      )}
      {users === undefined && <Loading lines={6} />}
      {users !== undefined && user === undefined && (
        <>
          <PageHead title={people.unknownTitle} />
          <Nothing>
            <p>{people.unknownBody}</p>
            <a class="button" href={hrefTo('people')}>
              {people.toAll}
            </a>
          </Nothing>
        </>
      )}
      {user && <Known user={user} users={users!} />}
    </>
  )
}

function Known({ user, users }: { readonly user: User; readonly users: readonly User[] }) {
  const { api, live, session } = useConsole()
  const network = useLoaded(() => api.get<Network>('/network'))
  const [open, setOpen] = useState<Open>('')
  const close = () => setOpen('')
  const path = `/users/${user.name}`
  const isGuest = user.role === 'guest'
  const change = async (body: object): Promise<void> => live.learn(await api.patch<User>(path, body))
  const isOneself = user.name === session.user
  const host = network.value ? `${network.value.hostname}.local` : '…'
  return (
    <>
      <PageHead title={user.displayName}>
        <button type="button" class="button" onClick={() => setOpen('softphone')} disabled={isGuest}>
          {people.softphone}
        </button>
        <button type="button" class="button primary" onClick={() => setOpen('invite')} disabled={isGuest}>
          <Icon name="plus" /> {people.newDevice}
        </button>
      </PageHead>
      {user.disabled && <p class="note bad person-off">{people.offNote}</p>}
      <div class="stack">
        <Card title={people.whoTheyAre} aside={<Badges user={user} />}>
          <ul class="rows">
            <Row label={people.theirName} value={user.displayName} more={common.presence[user.presence]}>
              <button
                type="button"
                class="button quiet"
                aria-label={people.renameName(user.displayName)}
                onClick={() => setOpen('rename')}
              >
                {people.rename}
              </button>
            </Row>
            <Row label={people.address} value={<Address user={user.name} host={host} />}>
              {!isGuest && (
                <button type="button" class="button quiet" onClick={() => setOpen('sip')}>
                  {people.sipPassword}
                </button>
              )}
            </Row>
            <Row label={people.number} value={user.number} more={people.numberHint}>
              <button
                type="button"
                class="button quiet"
                aria-label={people.changeNumberOf(user.displayName)}
                onClick={() => setOpen('number')}
              >
                {people.change}
              </button>
            </Row>
            {(users.length > 1 || user.alsoRings.length > 0) && (
              <Row label={people.alsoRings} value={namesOf(user.alsoRings, users) || people.alsoRingsNobody}>
                <button
                  type="button"
                  class="button quiet"
                  aria-label={people.chooseAlsoRings(user.displayName)}
                  onClick={() => setOpen('alsoRings')}
                >
                  {people.choose}
                </button>
              </Row>
            )}
            {(user.doorKeys !== '' || user.devices.some(({ kind }) => kind === 'sip')) && (
              <Row
                label={people.door}
                value={user.doorKeys === '' ? people.doorNone : <code>{user.doorKeys}</code>}
              >
                <button
                  type="button"
                  class="button quiet"
                  aria-label={people.setDoorOf(user.displayName)}
                  onClick={() => setOpen('door')}
                >
                  {user.doorKeys === '' ? people.set : people.change}
                </button>
              </Row>
            )}
            <Row
              label={people.quietHours}
              value={user.quietHours ? hoursText(user.quietHours) : people.quietNone}
            >
              <button
                type="button"
                class="button quiet"
                aria-label={people.setQuietOf(user.displayName)}
                onClick={() => setOpen('quietHours')}
              >
                {user.quietHours ? people.change : people.set}
              </button>
            </Row>
            <Row label={people.rights} value={rightsOf(user)}>
              {isGuest && (
                <button
                  type="button"
                  class="button quiet"
                  onClick={() =>
                    void attempt(() => change({ staySeconds: null }), people.stays(user.displayName))
                  }
                >
                  {people.stayForGood}
                </button>
              )}
              {user.role === 'member' && (
                <button type="button" class="button quiet" onClick={() => setOpen('owner')}>
                  {people.makeOwner}
                </button>
              )}
              {user.role === 'owner' && !isOneself && (
                <button type="button" class="button quiet" onClick={() => setOpen('member')}>
                  {people.unmakeOwner}
                </button>
              )}
            </Row>
            {user.role === 'member' && (
              <Row label={people.console} value={user.mayLogIn ? people.logsIn : people.logsInNot}>
                <button
                  type="button"
                  class="button quiet"
                  aria-label={people.setPasswordFor}
                  onClick={() => setOpen('password')}
                >
                  {people.setPasswordShort}
                </button>
              </Row>
            )}
          </ul>
          {!isGuest && (
            <Tick
              label={people.guestsMayCall}
              name="seenByGuests"
              hint={people.guestsMayCallHint}
              checked={user.seenByGuests}
              onChange={seenByGuests => void attempt(() => change({ seenByGuests }))}
            />
          )}
          {!isOneself && (
            <div class="buttons person-end">
              {user.disabled ? (
                <button
                  type="button"
                  class="button"
                  onClick={() =>
                    void attempt(() => change({ disabled: false }), people.switchedOn(user.displayName))
                  }
                >
                  {people.switchOn}
                </button>
              ) : (
                <button type="button" class="button" onClick={() => setOpen('off')}>
                  {people.switchOff}
                </button>
              )}
              <button type="button" class="button quiet danger" onClick={() => setOpen('remove')}>
                {people.remove}
              </button>
            </div>
          )}
        </Card>
        <Devices user={user} />
      </div>
      {open === 'invite' && <InviteDialog users={users} forUser={user} onClose={close} />}
      {open === 'alsoRings' && <AlsoRingsDialog user={user} users={users} change={change} close={close} />}
      {open === 'door' && <DoorDialog user={user} change={change} close={close} />}
      {open === 'quietHours' && <QuietHoursDialog user={user} change={change} close={close} />}
      {open === 'softphone' && <SoftphoneDialog user={user} onClose={close} />}
      {open !== '' && <Dialogs open={open} user={user} change={change} close={close} />}
    </>
  )
}

/** What is so, and beside it what changes it. */
function Row(props: {
  readonly label: string
  readonly value: ComponentChildren
  readonly more?: string
  readonly children: ComponentChildren
}) {
  return (
    <li>
      <div class="row-main">
        <span class="soft small">{props.label}</span>
        <span>
          {props.value} {props.more && <span class="soft small">· {props.more}</span>}
        </span>
      </div>
      {props.children}
    </li>
  )
}

/** Breaks before the host, if it has to. */
function Address({ user, host }: { readonly user: string; readonly host: string }) {
  return (
    <code>
      sip:{user}@<wbr />
      {host}
    </code>
  )
}

function Dialogs(props: {
  readonly open: Open
  readonly user: User
  readonly change: (body: object) => Promise<void>
  readonly close: () => void
}) {
  const { open, user, change, close } = props
  const { api } = useConsole()
  const name = user.displayName
  switch (open) {
    case 'rename':
      return (
        <Dialog title={people.renameName(name)} onClose={close}>
          <Form
            submit={common.save}
            onCancel={close}
            onSubmit={async values => {
              await change({ displayName: values.displayName })
              close()
              toast(people.renamed, () => change({ displayName: name }))
            }}
          >
            <Field label={people.theirName} name="displayName" value={name} required maxLength={64} />
          </Form>
        </Dialog>
      )
    case 'number':
      return (
        <Dialog title={people.changeNumberOf(name)} onClose={close}>
          <Form
            submit={common.save}
            onCancel={close}
            onSubmit={async values => {
              await change({ number: values.number })
              close()
              toast(people.numberChanged(name, values.number!), () => change({ number: user.number }))
            }}
          >
            <Field
              label={people.number}
              name="number"
              value={user.number}
              inputMode="numeric"
              required
              pattern="[2-8][0-9]{1,5}"
              maxLength={6}
              hint={people.numberRule}
            />
          </Form>
        </Dialog>
      )
    case 'off':
      return (
        <Confirm
          title={people.offTitle(name)}
          lost={people.offLost}
          confirm={people.switchOff}
          onClose={close}
          onConfirm={async () => {
            await change({ disabled: true })
            toast(people.switchedOff(name), () => change({ disabled: false }))
          }}
        />
      )
    case 'owner':
      return (
        <Dialog title={people.makeOwnerTitle(name)} onClose={close}>
          <p>{people.makeOwnerBody}</p>
          <PasswordForm
            submit={people.makeOwner}
            close={close}
            isOptional={user.mayLogIn}
            onSubmit={async password => {
              await change({ role: 'owner', ...(password && { password }) })
              toast(people.madeOwner(name))
            }}
          />
        </Dialog>
      )
    case 'member':
      return (
        <Confirm
          title={people.unmakeOwnerTitle(name)}
          lost={people.unmakeOwnerLost}
          confirm={people.unmakeOwner}
          onClose={close}
          onConfirm={() => change({ role: 'member' })}
        />
      )
    case 'password':
      return (
        <Dialog title={people.setPassword} onClose={close}>
          <PasswordForm
            submit={common.save}
            close={close}
            onSubmit={async password => {
              await change({ password })
              toast(people.passwordSet)
            }}
          />
        </Dialog>
      )
    case 'sip':
      return (
        <Dialog title={people.sipPassword} onClose={close}>
          <Form
            submit={common.save}
            onCancel={close}
            onSubmit={async values => {
              await change({ sipPassword: values.sipPassword })
              close()
              toast(people.sipPasswordSet)
            }}
          >
            <Field
              label={people.sipPassword}
              name="sipPassword"
              type="password"
              required
              minLength={6}
              maxLength={128}
              autocomplete="new-password"
              hint={people.sipPasswordHint}
            />
          </Form>
        </Dialog>
      )
    case 'remove':
      return (
        <Confirm
          title={people.removeTitle(name)}
          lost={people.removeLost(user.devices.length)}
          confirm={people.remove}
          onClose={close}
          onConfirm={async () => {
            await api.delete(`/users/${user.name}`)
            toast(people.removed(name))
            goTo(hrefTo('people'), { replace: true })
          }}
        />
      )
    default:
      return null
  }
}

function PasswordForm(props: {
  readonly submit: string
  readonly isOptional?: boolean
  readonly close: () => void
  readonly onSubmit: (password: string) => Promise<void>
}) {
  return (
    <Form
      submit={props.submit}
      onCancel={props.close}
      onSubmit={async values => {
        await props.onSubmit(values.password ?? '')
        props.close()
      }}
    >
      <Field
        label={people.consolePassword}
        name="password"
        type="password"
        required={!props.isOptional}
        minLength={10}
        maxLength={256}
        autocomplete="new-password"
        hint={people.consolePasswordHint}
      />
    </Form>
  )
}

function rightsOf(user: User): string {
  if (user.expiresAt != null) return people.guestRights(when(user.expiresAt))
  return user.role === 'owner' ? people.ownerRights : people.memberRights
}
