/** Links that let one device in each, and the code for the fridge: on the screen, to copy, and on paper. */
import { useState } from 'preact/hooks'
import type { Invite, Network, User } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { type Loaded, useLoaded } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Copy } from '../parts/copy.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { Form, Select, type Values } from '../parts/form.tsx'
import { Icon } from '../parts/icon.tsx'
import { Qr } from '../parts/qr.tsx'
import { Await } from '../parts/states.tsx'
import { when } from '../parts/time.tsx'
import { toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { people } from '../texts/people.ts'

/** `forUser`: only for that person. */
export function InviteDialog(props: {
  readonly users: readonly User[]
  readonly forUser?: User
  readonly onClose: () => void
  readonly onMade?: () => void
}) {
  const { users, forUser, onClose } = props
  const { api, setup } = useConsole()
  const [made, setMade] = useState<Invite>()
  const invite = async (values: Values) => {
    const user = forUser?.name ?? values.user
    setMade(
      await api.post<Invite>('/invites', {
        ...(user ? { user } : {}),
        hours: Number(values.hours),
        ...(values.stay && !user ? { staySeconds: Number(values.stay) } : {}),
      }),
    )
    props.onMade?.()
  }
  const title = forUser ? people.inviteTitleFor(forUser.displayName) : people.inviteTitle
  return (
    <Dialog title={title} onClose={onClose}>
      <div role="status" class="told">
        {made?.url && (
          <div class="sheet-to-print">
            <h2 class="print-only">{people.inviteSheet(setup.place)}</h2>
            <p class="print-only">{people.inviteSheetBody}</p>
            <p class="no-print">{people.shownOnce(nameOf(made.user, users), when(made.expiresAt))}</p>
            <Qr text={made.url} label={people.inviteQr} />
            <Copy text={made.url} label={people.inviteLink} />
            <div class="buttons no-print">
              <button type="button" class="button primary" onClick={onClose}>
                {common.done}
              </button>
              <PrintButton />
            </div>
          </div>
        )}
      </div>
      {!made?.url && (
        <Form submit={people.makeLink} onSubmit={invite} onCancel={onClose}>
          {!forUser && (
            <Select
              label={people.inviteFor}
              name="user"
              options={[
                ['', people.newcomer],
                ...users
                  .filter(({ role }) => role !== 'guest')
                  .map(user => [user.name, user.displayName] as const),
              ]}
            />
          )}
          <Select label={people.inviteGood} name="hours" options={people.inviteGoods} />
          {!forUser && (
            <Select
              label={people.inviteStay}
              name="stay"
              options={people.inviteStays}
              hint={people.inviteStayHint}
            />
          )}
        </Form>
      )}
    </Dialog>
  )
}

export function OpenInvites(props: {
  readonly invites: Loaded<readonly Invite[]>
  readonly users: readonly User[]
}) {
  const { invites, users } = props
  const { api } = useConsole()
  const [leaving, setLeaving] = useState<Invite>()
  return (
    <Card title={people.openInvites} count={invites.value?.length}>
      <Await of={invites} lines={1}>
        {list => (
          <>
            {list.length === 0 && <p class="soft">{people.noInvites}</p>}
            <ul class="rows">
              {list.map(entry => (
                <li key={entry.id}>
                  <div class="row-main">
                    <strong>{nameOf(entry.user, users)}</strong>
                    <span class="soft small">{people.until(when(entry.expiresAt))}</span>
                  </div>
                  <button
                    type="button"
                    class="button quiet"
                    aria-label={people.withdrawFor(nameOf(entry.user, users))}
                    onClick={() => setLeaving(entry)}
                  >
                    {people.withdraw}
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
      </Await>
      {leaving && (
        <Confirm
          title={people.withdrawTitle}
          lost={[people.withdrawLost]}
          confirm={people.withdraw}
          onClose={() => setLeaving(undefined)}
          onConfirm={async () => {
            await api.delete(`/invites/${leaving.id}`)
            toast(people.withdrawn)
            await invites.reload()
          }}
        />
      )}
    </Card>
  )
}

export function Fridge() {
  const { api, setup } = useConsole()
  const network = useLoaded(() => api.get<Network>('/network'))
  const url = network.value?.joinUrl
  if (network.value !== undefined && url === undefined) return null
  return (
    <Card title={people.fridge} class="fridge" aside={<PrintButton quiet />}>
      <Await of={network} lines={8}>
        {() => (
          <div class="sheet-to-print">
            <h2 class="print-only">{setup.place || common.product}</h2>
            <Qr text={url!} label={people.fridgeQr(url!)} />
            <p>{people.fridgeBody}</p>
            <Copy text={url!} label={people.fridgeLink} />
          </div>
        )}
      </Await>
    </Card>
  )
}

/** Marks what the sheet is, prints, and takes the mark away again. */
function PrintButton({ quiet = false }: { readonly quiet?: boolean }) {
  const print = (event: MouseEvent) => {
    const sheet = (event.currentTarget as Element).closest('dialog, .fridge')
    sheet?.classList.add('printing')
    globalThis.print()
    sheet?.classList.remove('printing')
  }
  return (
    <button type="button" class={`button no-print ${quiet ? 'quiet' : ''}`} onClick={print}>
      <Icon name="print" /> {common.print}
    </button>
  )
}

const nameOf = (user: string | undefined, users: readonly User[]): string =>
  user === undefined ? people.newcomer : (users.find(({ name }) => name === user)?.displayName ?? user)
