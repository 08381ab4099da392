import { on } from "svelte/events";

const WAIT_MS = 400;

class Tip {
  text = $state("");
  anchor = $state.raw<HTMLElement | null>(null);
}

/** The one tooltip; `Tooltip.svelte` draws it. */
export const tip = new Tip();

let timer: ReturnType<typeof setTimeout> | undefined;

/** Show a few words about an element when it is pointed at or focused by keyboard. Empty words show nothing. */
export function tooltip(node: HTMLElement, text: string): { update: (text: string) => void; destroy: () => void } {
  let words = text;
  const show = (wait: number) => {
    if (!words) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      tip.text = words;
      tip.anchor = node;
    }, wait);
  };
  const hide = () => {
    clearTimeout(timer);
    if (tip.anchor === node) tip.anchor = null;
  };
  const onFocus = () => node.matches(":focus-visible") && show(0);
  const onEnter = (event: PointerEvent) => event.pointerType === "mouse" && show(WAIT_MS);
  const onKey = (event: KeyboardEvent) => event.key === "Escape" && hide();
  // Not `addEventListener`: an element that goes while it has the focus blurs in the middle of the drawing.
  const stop = [
    on(node, "pointerenter", onEnter),
    on(node, "pointerleave", hide),
    on(node, "pointerdown", hide),
    on(node, "focus", onFocus),
    on(node, "blur", hide),
    on(node, "keydown", onKey),
  ];
  return {
    update: (next) => {
      words = next;
    },
    destroy: () => {
      hide();
      for (const end of stop) end();
    },
  };
}
