export interface Box {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

export interface Size {
  width: number;
  height: number;
}

export type Side = "below" | "above";
export type Edge = "start" | "end" | "middle";

const GAP = 4;
const MARGIN = 8;

/** Where something that floats goes: beside its anchor, on the other side where there is no room, always on the screen. */
export function place(anchor: Box, size: Size, screen: Size, side: Side, edge: Edge): { top: number; left: number } {
  const below = anchor.bottom + GAP;
  const above = anchor.top - GAP - size.height;
  const fitsBelow = below + size.height <= screen.height - MARGIN;
  const fitsAbove = above >= MARGIN;
  const top = side === "below" ? (fitsBelow || !fitsAbove ? below : above) : fitsAbove || !fitsBelow ? above : below;
  const wanted = { start: anchor.left, end: anchor.right - size.width, middle: (anchor.left + anchor.right - size.width) / 2 }[edge];
  return {
    top: Math.max(MARGIN, Math.min(top, screen.height - MARGIN - size.height)),
    left: Math.max(MARGIN, Math.min(wanted, screen.width - MARGIN - size.width)),
  };
}

/** Put a floating element beside its anchor and keep it there. Through the object model: the policy allows no style attributes. */
export function float(node: HTMLElement, anchor: Element, side: Side = "below", edge: Edge = "start"): () => void {
  const move = () => {
    const { top, left } = place(
      anchor.getBoundingClientRect(),
      { width: node.offsetWidth, height: node.offsetHeight },
      { width: document.documentElement.clientWidth, height: window.innerHeight },
      side,
      edge,
    );
    node.style.setProperty("top", `${top}px`);
    node.style.setProperty("left", `${left}px`);
  };
  move();
  const watcher = new ResizeObserver(move);
  watcher.observe(node);
  window.addEventListener("scroll", move, { capture: true, passive: true });
  window.addEventListener("resize", move);
  return () => {
    watcher.disconnect();
    window.removeEventListener("scroll", move, { capture: true });
    window.removeEventListener("resize", move);
  };
}
