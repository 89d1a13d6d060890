/** What opens over a call. */
import { Dialog } from '../parts/dialog.tsx'
import { texts } from '../texts.ts'
import type { Sheet, Shown } from './call-part.ts'
import { DevicesDialog } from './devices.tsx'
import { FactsDialog } from './facts.tsx'
import { KeypadDialog } from './keypad.tsx'
import { RequestList } from './requests.tsx'
import { TransferDialog } from './transfer.tsx'

export function OpenSheet({
  sheet,
  call,
  phone,
  line,
  close,
}: Shown & { readonly sheet: Sheet; readonly close: () => void }) {
  switch (sheet) {
    case 'facts':
      return <FactsDialog call={call} onClose={close} />
    case 'keypad':
      return <KeypadDialog call={call} onClose={close} />
    case 'transfer':
      return <TransferDialog call={call} phone={phone} line={line} onClose={close} />
    case 'devices':
      return <DevicesDialog call={call} say={text => line.talk.say(text)} onClose={close} />
    case 'door':
      return (
        <Dialog title={texts.requests} onClose={close}>
          <RequestList phone={phone} />
        </Dialog>
      )
  }
}
