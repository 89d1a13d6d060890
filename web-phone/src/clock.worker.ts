/**
 * Timers that keep their time in a tab nobody looks at: browsers slow a hidden page's own timers down to one a
 * minute, which would let the line to the appliance die.
 */
type Order = { readonly set: number; readonly milliseconds: number } | { readonly clear: number }

const handles = new Map<number, ReturnType<typeof setTimeout>>()

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  if ('clear' in data) {
    clearTimeout(handles.get(data.clear))
    handles.delete(data.clear)
    return
  }
  const id = data.set
  const fire = () => {
    handles.delete(id)
    postMessage(id)
  }
  handles.set(id, setTimeout(fire, data.milliseconds))
})
