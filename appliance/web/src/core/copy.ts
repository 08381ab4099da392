/** Copy text; false where the browser does not let us (no secure context). */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** The old way, for plain HTTP on the local network, where there is no clipboard object. */
function copyBySelection(text: string): boolean {
  const host = document.querySelector("dialog[open]") ?? document.body;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  host.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
