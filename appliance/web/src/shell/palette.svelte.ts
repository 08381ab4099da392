class Palette {
  open = $state(false);
}

export const palette = new Palette();

export function openPalette(): void {
  palette.open = true;
}
