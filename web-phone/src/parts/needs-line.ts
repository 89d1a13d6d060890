/**
 * Attributes of a button that can do nothing without the line. Not `disabled`: that takes the focus from whoever has it
 * there, and the line goes and comes by itself.
 */
export const needsLine = (online: boolean, act: () => void, why?: string) => ({
  'aria-disabled': !online,
  ...(!online && why !== undefined && { 'aria-describedby': why }),
  onClick: () => {
    if (online) act()
  },
})

/** The element that says so beside the list of people. */
export const noCallsId = 'no-calls'
